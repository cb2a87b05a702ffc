/** Closing periods, and statements about them. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Static } from "typebox";
import { CodedError } from "../../model/errors.ts";
import { formatMinute, minuteOf } from "../../model/time.ts";
import type { CloseAnswer } from "../../query/billing.ts";
import { parseLocalMinute } from "../../query/local-days.ts";
import type { PendingOperation } from "../../query/query-service.ts";
import { tabularResponses } from "../answer-schemas.ts";
import {
  CloseBody,
  closeResponses,
  ClosesAnswerSchema,
  StatementAnswerSchema,
  StatementQuery,
} from "../billing-schemas.ts";
import type { OperationParts } from "../perform-operation.ts";
import { operationId, performOperation, sendOperation } from "../perform-operation.ts";
import { NoQuery } from "../request-schemas.ts";
import type { ServiceParts } from "../service-parts.ts";
import { closesCsv, sendTabular, statementCsv } from "../tabular.ts";

export function registerBillingRoutes(server: FastifyInstance, parts: ServiceParts): void {
  const { query } = parts;

  server.post("/v1/admin/close", {
    schema: {
      tags: ["admin"],
      operationId: "closePeriod",
      summary: "Seal the numbers of a period",
      description:
        "From then on every answer about its minutes is what it was at the close; later facts are in the journal, and in " +
        "statements as adjustments. 409 `period_not_final` where a minute of it is not final yet. A period cannot be " +
        "opened again; closing it once more changes nothing.",
      querystring: NoQuery,
      body: CloseBody,
      response: closeResponses,
    },
    handler: async (
      request: FastifyRequest<{ Body: Static<typeof CloseBody> }>,
      reply: FastifyReply,
    ) => {
      const { through, tz = "UTC", id } = request.body;
      const minute = parseLocalMinute("through", String(through), tz);
      const answer = await close(parts, minute, tz, operationId(id));
      return sendOperation(reply, answer);
    },
  });

  server.get("/v1/closes", {
    schema: {
      tags: ["queries"],
      operationId: "getCloses",
      summary: "Which periods are closed?",
      querystring: NoQuery,
      response: tabularResponses(ClosesAnswerSchema),
    },
    handler: async (request: FastifyRequest, reply: FastifyReply) =>
      sendTabular(request, reply, await query.closes(), closesCsv),
  });

  server.get("/v1/statement", {
    schema: {
      tags: ["queries"],
      operationId: "getStatement",
      summary: "What is to be billed, by ad and local day?",
      description:
        "A closed day has the count that was sealed, and beside it the net clicks that came to light since.",
      querystring: StatementQuery,
      response: tabularResponses(StatementAnswerSchema),
    },
    handler: async (
      request: FastifyRequest<{ Querystring: Static<typeof StatementQuery> }>,
      reply: FastifyReply,
    ) => sendTabular(request, reply, await query.statement(request.query), statementCsv),
  });
}

async function close(
  parts: OperationParts,
  minute: number,
  tz: string,
  id: string,
): Promise<CloseAnswer | PendingOperation> {
  const before = await closedAt(parts, minute);
  if (before !== undefined) return answerOf(minute, tz, true, before);
  const { final_through: finalThrough } = await parts.query.status();
  if (finalThrough === null || minuteOf(Date.parse(finalThrough)) < minute)
    throw notFinal(minute, finalThrough);
  const control = { type: "close", id, through_minute: minute, tz } as const;
  const operation = await performOperation(parts, control);
  if ("pending" in operation) return operation;
  const asOf = await closedAt(parts, minute);
  if (asOf === undefined) throw notFinal(minute, finalThrough);
  return answerOf(minute, tz, operation.result["closed"] === 0, asOf);
}

/** The commit at which all minutes before were sealed; undefined where they are not. */
async function closedAt({ query }: OperationParts, minute: number): Promise<number | undefined> {
  const { closes } = await query.closes();
  return closes.find(({ through }) => minuteOf(Date.parse(through)) >= minute)?.as_of;
}

function answerOf(minute: number, tz: string, isOld: boolean, asOf: number): CloseAnswer {
  return { through: formatMinute(minute), tz, already_closed: isOld, as_of: asOf };
}

function notFinal(minute: number, finalThrough: string | null): CodedError {
  const soFar = finalThrough === null ? "nothing is" : `only minutes before ${finalThrough} are`;
  return new CodedError(
    "period_not_final",
    `through: not all minutes before ${formatMinute(minute)} are final yet, ${soFar}`,
    { field: "through", details: { final_through: finalThrough } },
  );
}
