/** Notes what is done by requests for `admin` that change something, each once it is answered. */

import type { FastifyInstance, FastifyRequest } from "fastify";
import type { AdminLog } from "../access/admin-log.ts";
import type { ErrorCode } from "../model/errors.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Why it was refused. */
    refusedAs: ErrorCode | undefined;
    /** The id of the operation that it began. */
    operationId: string | undefined;
  }
}

/** Parameters that say what was asked for, and nothing of a click. */
const toldParameters = new Set(
  (
    "id from to through tz apply rollback late undo reason field dir format what keep sample seed source ad_id " +
    "valid_from"
  ).split(" "),
);
/** Of these how many there are. */
const countedParameters = new Set(["identities", "values"]);
const textLengthMax = 200;

/** Who was not let in has done nothing; that is counted elsewhere. */
const keptOut: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "key_missing",
  "key_wrong",
  "key_expired",
  "scope_missing",
  "rate_limited",
]);

/** To be called behind the guard and before the routes are registered. */
export function registerAdminActions(server: FastifyInstance, adminLog: AdminLog): void {
  server.decorateRequest("refusedAs");
  server.decorateRequest("operationId");
  server.addHook("onRoute", (route) => {
    const methods = [route.method].flat();
    if (route.config?.scope !== "admin" || methods.some((method) => /^(?:GET|HEAD)$/.test(method)))
      return;
    const { operationId: action = route.url } = route.schema ?? {};
    route.preSerialization = (request, _reply, payload, done) => {
      const { id } = (payload ?? {}) as { readonly id?: unknown };
      if (typeof id === "string") request.operationId = id;
      done(null, payload);
    };
    route.onResponse = (request, reply, done) => {
      if (request.refusedAs === undefined || !keptOut.has(request.refusedAs)) {
        const outcome = {
          status: reply.statusCode,
          ...(request.refusedAs !== undefined && { code: request.refusedAs }),
          ...(request.operationId !== undefined && { operation: request.operationId }),
        };
        const who = request.apiKey?.name ?? "open";
        adminLog.note({ who, action, ...outcome, asked: parametersOf(request) }, request.ip);
      }
      done();
    };
  });
  server.addHook("onClose", () => adminLog.written());
}

function parametersOf({ params, query, body }: FastifyRequest): Record<string, unknown> {
  const told: Record<string, unknown> = {};
  for (const source of [params, query, body]) {
    // A body that is a stream, or a list, has no parameters.
    if (typeof source !== "object" || source === null) continue;
    if (Array.isArray(source) || "pipe" in source) continue;
    for (const [name, value] of Object.entries(source)) {
      if (countedParameters.has(name) && Array.isArray(value)) told[name] = value.length;
      else if (toldParameters.has(name) && isPlain(value))
        told[name] = typeof value === "string" ? value.slice(0, textLengthMax) : value;
    }
  }
  return told;
}

function isPlain(value: unknown): boolean {
  return ["string", "number", "boolean"].includes(typeof value);
}
