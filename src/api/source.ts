import type { FastifyRequest } from "fastify";

/** The one place that decides which source of the ledger a request's clicks belong to. */
export function sourceOf(_request: FastifyRequest): string {
  return "http";
}
