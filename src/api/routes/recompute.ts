/** Counting final minutes anew: what would change, doing it, undoing it. */

import { randomUUID } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Static } from "typebox";
import {
  RecomputeAcceptedSchema,
  RecomputeAnswerSchema,
  problemResponses,
} from "../answer-schemas.ts";
import { mergeParameters } from "../parameters.ts";
import { NoQuery, RecomputeBody } from "../request-schemas.ts";
import type { ServiceParts } from "../service-parts.ts";

/** A recount takes its time; beyond this the caller is told that it goes on. */
const applyMsMax = 240_000;

export function registerRecomputeRoute(
  server: FastifyInstance,
  { ingest, query }: ServiceParts,
): void {
  server.post("/v1/admin/recompute", {
    schema: {
      tags: ["admin"],
      operationId: "recompute",
      summary: "Count final minutes anew from raw clicks",
      description:
        "Says what would change; with `apply` it is changed, in the open: each count that changes gets a higher revision " +
        "and an entry in the journal. `rollback` undoes the last one. Where applying takes long, 202: it goes on.",
      querystring: NoQuery,
      body: RecomputeBody,
      response: { 200: RecomputeAnswerSchema, 202: RecomputeAcceptedSchema, ...problemResponses },
    },
    handler: async (
      request: FastifyRequest<{ Body: Static<typeof RecomputeBody> }>,
      reply: FastifyReply,
    ) => {
      const { apply = false, ...body } = request.body ?? {};
      const parameters = mergeParameters({}, body);
      if (!apply && parameters["rollback"] === undefined) return query.recompute(parameters);
      const plan = await query.recomputeControl(parameters);
      const id = randomUUID();
      const positions = await ingest.appendControl({ ...plan, id });
      if (await query.committed(positions, applyMsMax)) return query.recomputed(id);
      reply.code(202);
      return { id };
    },
  });
}
