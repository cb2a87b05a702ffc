/**
 * Lets pages of other origins send clicks from browsers: `POST /v1/clicks` and nothing else, so that a page which may send can't
 * ask, and on a service without keys can't erase.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

/** How long a browser need not ask again, seconds. */
const maxAgeSeconds = 7_200;
/** What a page may read of an answer, besides its body. */
const exposed = "Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset";

/** For the routes of a scope, of which `path` is the one that is asked before. None where there are no origins. */
export function registerCors(
  scope: FastifyInstance,
  path: string,
  origins: readonly string[],
): void {
  if (origins.length === 0) return;
  const allows = (request: FastifyRequest, reply: FastifyReply): boolean => {
    const { origin } = request.headers;
    // Caches must not give one origin what was said to another.
    reply.header("vary", "origin");
    const isAllowed = origin !== undefined && (origins.includes("*") || origins.includes(origin));
    if (isAllowed) reply.header("access-control-allow-origin", origin);
    return isAllowed;
  };
  scope.addHook("onRequest", (request, reply, done) => {
    if (request.method === "POST" && request.routeOptions.url === path && allows(request, reply))
      reply.header("access-control-expose-headers", exposed);
    done();
  });
  const config = { scope: "none" } as const;
  scope.options(path, { config, schema: { hide: true } }, (request, reply) => {
    if (allows(request, reply)) {
      reply
        .header("access-control-allow-methods", "POST")
        .header("access-control-allow-headers", "authorization, content-type, content-encoding")
        .header("access-control-max-age", maxAgeSeconds);
    }
    return reply.code(204).send();
  });
}
