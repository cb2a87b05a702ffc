/** What every answer tells browsers. Who answers with a page has a policy of its own for it. */

import type { FastifyInstance } from "fastify";

const headers = {
  // An answer that is opened as a page runs nothing, loads nothing, and is in nobody's frame.
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
} as const;

/** Half a year; only over TLS, as browsers have it. */
const overTls = { "strict-transport-security": "max-age=15552000" } as const;

export function registerSecurityHeaders(server: FastifyInstance, hasTls: boolean): void {
  const all = hasTls ? { ...headers, ...overTls } : headers;
  server.addHook("onRequest", (_request, reply, done) => {
    reply.headers(all);
    done();
  });
}
