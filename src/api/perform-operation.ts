/** What people ask of the service: appended as a control record, applied in the log's order, told of when committed. */

import { randomUUID } from "node:crypto";
import type { FastifyReply } from "fastify";
import type { IngestService } from "../ingest/ingest-service.ts";
import type { Control } from "../model/log-record.ts";
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
  { ingest, query }: OperationParts,
  control: Control & { readonly id: string },
): Promise<OperationAnswer | PendingOperation> {
  const positions = await ingest.appendControl(control);
  if (!(await query.committed(positions, waitMsMax))) return { id: control.id, pending: true };
  return await query.operation(control.id);
}

/** 202 where it waits for its turn. */
export function sendOperation(reply: FastifyReply, answer: object): FastifyReply {
  return reply.code("pending" in answer ? 202 : 200).send(answer);
}
