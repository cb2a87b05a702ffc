import { CodedError } from "../model/errors.ts";
import { formatTime } from "../model/time.ts";
import type { RecordedOperation } from "../store/click-store.ts";
import type { OperationAnswer } from "./query-service.ts";

/** The parts of one operation, put together. CodedError `not_found` where there is none. */
export function operationAnswer(id: string, parts: readonly RecordedOperation[]): OperationAnswer {
  const [first] = parts;
  if (!first)
    throw new CodedError("not_found", `id: there is no operation '${id}'`, { field: "id" });
  const result: Record<string, number> = {};
  for (const part of parts) {
    for (const [name, count] of Object.entries(part.result))
      result[name] = (result[name] ?? 0) + count;
  }
  return {
    id,
    type: first.type,
    reason: first.reason,
    received_at: formatTime(Math.max(...parts.map(({ receivedAtMs }) => receivedAtMs))),
    as_of: Math.max(...parts.map(({ asOf }) => asOf)),
    result,
  };
}
