/** Clicks that are counted no more, and clicks that are counted after all. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Static } from "typebox";
import { halfPair } from "../../model/errors.ts";
import { resolveRange } from "../../model/window.ts";
import type { OperationAnswer, PendingOperation } from "../../query/query-service.ts";
import { checkAdId } from "../ad-attributes.ts";
import { problemResponses, tabularResponses } from "../answer-schemas.ts";
import { QuarantineAnswerSchema, ReleaseBody, VoidBody } from "../correction-schemas.ts";
import { OperationAnswerSchema, OperationPath, operationResponses } from "../operation-schemas.ts";
import type { OperationParts } from "../perform-operation.ts";
import { operationId, performOperation, sendOperation } from "../perform-operation.ts";
import { NoQuery, QuarantineQuery } from "../request-schemas.ts";
import type { ServiceParts } from "../service-parts.ts";
import { quarantineCsv, sendTabular } from "../tabular.ts";

/** Clicks that one record releases: their effects are in memory at once. */
const releasedAtOnceMax = 100_000;

export function registerCorrectionRoutes(server: FastifyInstance, parts: ServiceParts): void {
  const { query } = parts;

  server.post("/v1/admin/void", {
    schema: {
      tags: ["admin"],
      operationId: "voidClicks",
      summary: "Count these clicks no more, or again",
      description:
        "For a vendor's verdict. The clicks stay in raw as `voided`; minutes that were final change with a revision and a " +
        "journal entry. What is voided already, or was never received, changes nothing.",
      querystring: NoQuery,
      body: VoidBody,
      response: operationResponses,
    },
    handler: async (
      request: FastifyRequest<{ Body: Static<typeof VoidBody> }>,
      reply: FastifyReply,
    ) => {
      const { identities, reason, undo = false, id } = request.body;
      for (const [i, { ad_id, event_id }] of identities.entries()) {
        checkAdId(ad_id);
        if (!event_id.isWellFormed()) throw halfPair(`identities/${i}/event_id`);
      }
      const control = { type: "void", id: operationId(id), reason, undo, identities } as const;
      return sendOperation(reply, await performOperation(parts, control));
    },
  });

  server.post("/v1/admin/release", {
    schema: {
      tags: ["admin"],
      operationId: "releaseClicks",
      summary: "Count quarantined and expired clicks after all",
      description:
        "Those of a range of event time, of one ad or of all. Each is deduplicated again; minutes that were final change " +
        "with a revision and a journal entry.",
      querystring: NoQuery,
      body: ReleaseBody,
      response: operationResponses,
    },
    handler: async (
      request: FastifyRequest<{ Body: Static<typeof ReleaseBody> }>,
      reply: FastifyReply,
    ) => sendOperation(reply, await release(parts, request.body)),
  });

  server.get("/v1/admin/operations/:id", {
    schema: {
      tags: ["admin"],
      operationId: "getOperation",
      summary: "What came of an operation?",
      params: OperationPath,
      querystring: NoQuery,
      response: { 200: OperationAnswerSchema, ...problemResponses },
    },
    handler: (request: FastifyRequest<{ Params: Static<typeof OperationPath> }>) =>
      query.operation(request.params.id),
  });

  server.get("/v1/quarantine", {
    schema: {
      tags: ["queries"],
      operationId: "getQuarantine",
      summary: "Which clicks are kept and not counted?",
      description: "Quarantined and expired clicks, by event time.",
      querystring: QuarantineQuery,
      response: tabularResponses(QuarantineAnswerSchema),
    },
    handler: async (
      request: FastifyRequest<{ Querystring: Static<typeof QuarantineQuery> }>,
      reply: FastifyReply,
    ) => sendTabular(request, reply, await query.quarantine(request.query), quarantineCsv),
  });
}

/** Record by record until nothing is left, so that any number can be released. */
async function release(
  parts: OperationParts,
  { from, to, ad_id: adId, reason, id: given }: Static<typeof ReleaseBody>,
): Promise<OperationAnswer | PendingOperation> {
  const range = { from: String(from), to: String(to) };
  const { fromMinute, toMinute } = resolveRange(range, {
    nowMs: Date.now(),
    finalThroughMinute: undefined,
  });
  const id = operationId(given);
  for (let doneBefore = 0; ;) {
    const answer = await performOperation(parts, {
      type: "release",
      id,
      reason,
      from_minute: fromMinute,
      to_minute: toMinute,
      ad_id: adId === undefined ? null : checkAdId(adId),
      clicks_max: releasedAtOnceMax,
    });
    if ("pending" in answer) return answer;
    const { released = 0, duplicates = 0 } = answer.result;
    if (released + duplicates - doneBefore < releasedAtOnceMax) return answer;
    doneBefore = released + duplicates;
  }
}
