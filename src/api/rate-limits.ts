/**
 * How many requests a second an address and a key may send. Counted by @fastify/rate-limit, in memory that is bounded: beyond so
 * many addresses the one that was silent longest begins anew.
 */

import rateLimit from "@fastify/rate-limit";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { CodedError } from "../model/errors.ts";
import { addressGroup, isLoopbackAddress } from "./client-address.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Asks how the service is, and must be told whatever else its address sends. */
    isProbe?: boolean;
  }
}

export interface RateLimits {
  /** 0: none, as below. */
  readonly requestsASecondAddress: number;
  readonly requestsASecondKey: number;
}

const windowMs = 1_000;
const countedMax = 10_000;

/** To be called before the guard, so that who tries keys is slowed down too. */
export function registerAddressLimit(server: FastifyInstance, limits: RateLimits): void {
  void server.register(rateLimit, { global: false, timeWindow: windowMs, cache: countedMax });
  registerLimit(server, limits.requestsASecondAddress, {
    who: "the address",
    countedAs: ({ ip, routeOptions }) =>
      isLoopbackAddress(ip) || routeOptions.config.isProbe === true ? undefined : addressGroup(ip),
  });
}

/** To be called behind the guard, which knows the key. */
export function registerKeyLimit(server: FastifyInstance, limits: RateLimits): void {
  registerLimit(server, limits.requestsASecondKey, {
    who: "the API key",
    countedAs: ({ apiKey }) => apiKey?.name,
  });
}

interface Counted {
  readonly who: string;
  /** Undefined: this one is not counted. */
  readonly countedAs: (request: FastifyRequest) => string | undefined;
}

function registerLimit(server: FastifyInstance, max: number, { who, countedAs }: Counted): void {
  if (max === 0) return;
  let count: ReturnType<FastifyInstance["createRateLimit"]> | undefined;
  server.after(() => {
    count = server.createRateLimit({ max, keyGenerator: (request) => countedAs(request)! });
  });
  server.addHook("onRequest", async (request, reply) => {
    if (countedAs(request) === undefined) return;
    const counted = await count!(request);
    if (!counted.isAllowed && tell(reply, counted))
      throw overLimit(`${who} may send ${max} requests a second`);
  });
}

interface Count {
  readonly max: number;
  readonly remaining: number;
  readonly ttlInSeconds: number;
  readonly isExceeded: boolean;
}

/** Tells of the limit that is nearer, where there are two. Whether this one is exceeded. */
function tell(reply: FastifyReply, { max, remaining, ttlInSeconds, isExceeded }: Count): boolean {
  const told = reply.getHeader("ratelimit-remaining");
  if (isExceeded || told === undefined || remaining < Number(told)) {
    reply
      .header("ratelimit-limit", max)
      .header("ratelimit-remaining", remaining)
      .header("ratelimit-reset", ttlInSeconds);
  }
  if (isExceeded) reply.header("retry-after", ttlInSeconds);
  return isExceeded;
}

function overLimit(what: string): CodedError {
  return new CodedError("rate_limited", `${what}; send again later, or more in one request`);
}
