/** What is to be erased, checked. */

import { checkField, expectedForms } from "../model/check-filter.ts";
import type { DimensionType } from "../model/dimensions.ts";
import { CodedError, halfPair } from "../model/errors.ts";
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

/**
 * A value is looked for in every form that the settings, of now or of before, give it: where a dimension was always hashed, the
 * record that is to erase it does not name it. CodedError
 * `unknown_dimension`, or `invalid_parameter` where none of these types has such a value.
 */
export async function planErase(
  configs: ConfigHistory,
  { field, values, reason }: EraseRequest,
): Promise<ErasePlan> {
  checkField(field, configs.knownDimensions, "field");
  const type = configs.knownDimensions.get(field)!;
  const stored = values.flatMap((value, i) => {
    const at = `values.${i}`;
    if (!value.isWellFormed()) throw halfPair(at);
    const forms = configs.storedForms.formsOf(field, value);
    if (forms.length === 0) throw impossible(value, field, type, at);
    return forms;
  });
  return { type: "erase", reason, field, values: [...new Set(stored)] };
}

function impossible(value: string, field: string, type: DimensionType, at: string): CodedError {
  const problem = `${at}: ${field} can't be '${value}': it is ${expectedForms[type]}`;
  return new CodedError("invalid_parameter", problem, { field: at });
}
