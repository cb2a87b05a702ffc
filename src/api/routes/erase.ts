/** Users and addresses that are to be forgotten. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Static } from "typebox";
import { formatTime } from "../../model/time.ts";
import type { EraseAnswer } from "../../query/erase-plan.ts";
import type { PendingOperation } from "../../query/query-service.ts";
import { EraseBody, eraseResponses, notCovered } from "../erase-schemas.ts";
import type { OperationParts } from "../perform-operation.ts";
import { appendOperation, operationId, sendOperation } from "../perform-operation.ts";
import { NoQuery } from "../request-schemas.ts";

/** The checkpoint comes at once, but one under way and a backup go before it. */
const forgottenMsMax = 60_000;

export function registerEraseRoute(server: FastifyInstance, parts: OperationParts): void {
  server.post("/v1/admin/erase", {
    schema: {
      tags: ["admin"],
      operationId: "erase",
      summary: "Forget users, addresses or other values",
      description:
        "Of every click so far that has one of the values the field is emptied, in raw, in minute rows and in what is told of " +
        "the past; the clicks stay, and count as before. What comes later is not touched. Safe to repeat.",
      querystring: NoQuery,
      body: EraseBody,
      response: eraseResponses,
    },
    handler: async (
      request: FastifyRequest<{ Body: Static<typeof EraseBody> }>,
      reply: FastifyReply,
    ) => sendOperation(reply, await erase(parts, request.body)),
  });
}

async function erase(
  parts: OperationParts,
  { id, ...request }: Static<typeof EraseBody>,
): Promise<EraseAnswer | PendingOperation> {
  const plan = await parts.query.eraseControl(request);
  const control = { ...plan, id: operationId(id) };
  const { positions, answer } = await appendOperation(parts, control);
  if ("pending" in answer) return answer;
  // Its own record names the values too, so that the queue is to forget it as well.
  const isForgotten = await parts.query.forgotten(positions, forgottenMsMax);
  const forgottenAt = isForgotten ? formatTime(Date.now()) : null;
  return { ...answer, queue_forgotten_at: forgottenAt, not_covered: notCovered };
}
