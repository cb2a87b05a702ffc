/** What people ask of the service: appended as a control record, applied in the log's order, told of when committed. */

import { randomUUID } from "node:crypto";
import type { FastifyReply } from "fastify";
import type { IngestService } from "../ingest/ingest-service.ts";
import type { Control, Position } from "../model/log-record.ts";
import type { OperationAnswer, PendingOperation, QueryService } from "../query/query-service.ts";

/** Far behind, the aggregator may need longer than that; then the operation is durable and is applied in its turn. */
const waitMsMax = 60_000;

export interface OperationParts {
  readonly ingest: IngestService;
  readonly query: QueryService;
}

/** One who asks again after a lost answer gives the same id. */
export function operationId(given: string | undefined): string {
  return given ?? randomUUID();
}

/** What came of all parts of the operation so far; `PendingOperation` where the control is not applied yet. */
export async function performOperation(
  parts: OperationParts,
  control: Control & { readonly id: string },
): Promise<OperationAnswer | PendingOperation> {
  return (await appendOperation(parts, control)).answer;
}

/** The same, with where the control lies in the log. */
export async function appendOperation(
  { ingest, query }: OperationParts,
  control: Control & { readonly id: string },
): Promise<{
  readonly positions: readonly Position[];
  readonly answer: OperationAnswer | PendingOperation;
}> {
  const positions = await ingest.appendControl(control);
  const isApplied = await query.committed(positions, waitMsMax);
  const { id } = control;
  return { positions, answer: isApplied ? await query.operation(id) : { id, pending: true } };
}

/** 202 where it waits for its turn. */
export function sendOperation(reply: FastifyReply, answer: object): FastifyReply {
  return reply.code("pending" in answer ? 202 : 200).send(answer);
}
