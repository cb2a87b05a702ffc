/** What is to be erased, checked. */

import { checkField, storedForm } from "../model/check-filter.ts";
import { CodedError } from "../model/errors.ts";
import type { EraseControl } from "../model/log-record.ts";
import type { ConfigHistory } from "./config-history.ts";
import type { OperationAnswer } from "./query-service.ts";

export interface EraseRequest {
  /** A dimension that was ever declared. */
  readonly field: string;
  readonly values: readonly string[];
  readonly reason: string;
}

export interface EraseAnswer extends OperationAnswer {
  /** From when on the click queue holds none of it; null where it does still. */
  readonly queue_forgotten_at: string | null;
  /** What holds it still, where it was made before. */
  readonly not_covered: readonly string[];
}

export type ErasePlan = Omit<EraseControl, "id">;

/** CodedError `unknown_dimension` or `invalid_parameter` where there can be no such values. */
export async function planErase(
  { knownFields }: ConfigHistory,
  { field, values, reason }: EraseRequest,
): Promise<ErasePlan> {
  const dimensions = new Map(
    [...knownFields].filter(([name]) => name !== "ad_id" && !name.startsWith("ad.")),
  );
  const type = checkField(field, dimensions, "field");
  const stored = values.map((value, i) => {
    const at = `values.${i}`;
    const named = { parameter: at, code: "invalid_parameter" } as const;
    if (value.isWellFormed()) return storedForm(value, type, field, named);
    const problem = `${at}: holds half of a surrogate pair`;
    throw new CodedError("invalid_parameter", problem, { field: at });
  });
  return { type: "erase", reason, field, values: [...new Set(stored)] };
}
