import type { FastifyRequest } from "fastify";
import { openSource } from "../access/api-key.ts";

/** The one place that decides which source of the ledger a request's clicks belong to. */
export function sourceOf({ apiKey }: FastifyRequest): string {
  return apiKey?.name ?? openSource;
}
