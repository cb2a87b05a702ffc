/** Who may ask what: every request but the open ones shows a key, before its body is read. */

import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from "fastify";
import type { ApiKey } from "../access/api-key.ts";
import { isExpired } from "../access/api-key.ts";
import type { KeyRing } from "../access/key-ring.ts";
import type { Scope } from "../access/scopes.ts";
import { allows } from "../access/scopes.ts";
import { CodedError } from "../model/errors.ts";

/** What a key needs for a route; `none`: nobody needs a key. */
export type RouteScope = Scope | "none";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Where it is not what the route's tag says. */
    scope?: RouteScope;
    /** The answer goes on without end: it ends with the key that it was given to. */
    isStream?: boolean;
  }
  interface FastifyRequest {
    /** Absent where nobody needs a key. */
    apiKey: ApiKey | undefined;
  }
}

const scopesByTag: Readonly<Record<string, RouteScope>> = {
  clicks: "ingest",
  queries: "query",
  ads: "query",
  operations: "query",
};

/** A route that says nothing is for `admin`: what is forgotten must not be open. */
function scopeOf({ config, schema, url }: RouteOptions): RouteScope {
  if (config?.scope !== undefined) return config.scope;
  // The pages that describe the API are a plugin's.
  if (url === "/docs" || url.startsWith("/docs/")) return "none";
  return scopesByTag[schema?.tags?.[0] ?? ""] ?? "admin";
}

/** How soon a stream ends once its key has expired. */
const expiryCheckMs = 1_000;

/** To be called before the routes are registered. */
export function registerGuard(server: FastifyInstance, keys: KeyRing): void {
  server.decorateRequest("apiKey");
  server.addHook("onRoute", (route) => {
    route.config = { ...route.config, scope: scopeOf(route) };
  });
  const streams = new Map<FastifyRequest, Scope>();
  server.addHook("onRequest", (request, reply, done) => {
    const { scope, isStream } = request.routeOptions.config;
    // Without one there is no such route, which is nobody's secret.
    if (scope !== undefined && scope !== "none") {
      request.apiKey = check(keys, scope, request, reply);
      if (isStream === true) {
        streams.set(request, scope);
        reply.raw.once("close", () => streams.delete(request));
      }
    }
    done();
  });
  const endStreams = (): void => {
    const nowMs = Date.now();
    for (const [request, scope] of streams) {
      if (!keys.stillAllows(request.apiKey, scope, nowMs)) request.raw.socket.destroy();
    }
  };
  keys.onChange(endStreams);
  const timer = setInterval(endStreams, expiryCheckMs).unref();
  server.addHook("onClose", () => clearInterval(timer));
}

/** CodedError `key_missing`, `key_wrong`, `key_expired` or `scope_missing`. Undefined where nobody needs a key. */
function check(
  keys: KeyRing,
  scope: Scope,
  { headers }: FastifyRequest,
  reply: FastifyReply,
): ApiKey | undefined {
  if (keys.isOpen) return undefined;
  const secret = /^bearer +(\S+)$/i.exec(headers.authorization ?? "")?.[1];
  if (secret === undefined) {
    challenge(reply);
    throw new CodedError("key_missing", "send an API key, as `Authorization: Bearer KEY`");
  }
  const key = keys.find(secret);
  if (key === undefined || isExpired(key, Date.now())) {
    challenge(reply, 'error="invalid_token"');
    if (key === undefined)
      throw new CodedError(
        "key_wrong",
        "this API key is not known: it is mistyped, or was revoked",
      );
    throw new CodedError("key_expired", `the API key ${key.name} has expired`);
  }
  if (!allows(key.scopes, scope)) {
    challenge(reply, `error="insufficient_scope", scope="${scope}"`);
    const held = key.scopes.join(", ");
    throw new CodedError(
      "scope_missing",
      `this needs the scope ${scope}, and the API key ${key.name} has ${held}`,
      { details: { scope } },
    );
  }
  return key;
}

function challenge(reply: FastifyReply, why?: string): void {
  const parts = ['realm="clicktally"', ...(why === undefined ? [] : [why])];
  reply.header("www-authenticate", `Bearer ${parts.join(", ")}`);
}
