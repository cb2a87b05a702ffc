/** Status and audits. */

import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Static } from "typebox";
import { mergeParameters } from "../parameters.ts";
import { AuditAnswerSchema, problemResponses } from "../answer-schemas.ts";
import { AuditBody, AuditQuery, NoQuery } from "../request-schemas.ts";
import type { ServiceParts } from "../service-parts.ts";
import { StatusAnswerSchema } from "../status-schemas.ts";

export function registerOperationRoutes(
  server: FastifyInstance,
  { query, watchers }: ServiceParts,
): void {
  server.get("/v1/status", {
    schema: {
      tags: ["operations"],
      operationId: "getStatus",
      summary: "Progress, lag and sizes",
      querystring: NoQuery,
      response: { 200: StatusAnswerSchema, ...problemResponses },
    },
    handler: async () => {
      const [status, watched] = await Promise.all([query.status(), watchers()]);
      return watched.length === 0 ? status : { ...status, watchers: watched };
    },
  });

  server.post("/v1/admin/audit", {
    schema: {
      tags: ["admin"],
      operationId: "audit",
      summary: "Recount from raw clicks and compare",
      description:
        "The whole of what is kept, or a range of event time, or a random sample of its minutes.",
      querystring: AuditQuery,
      body: AuditBody,
      response: { 200: AuditAnswerSchema, ...problemResponses },
    },
    handler: (
      request: FastifyRequest<{
        Querystring: Static<typeof AuditQuery>;
        Body: Static<typeof AuditBody>;
      }>,
    ) => query.audit(mergeParameters(request.query, request.body)),
  });
}
