import { CodedError } from "../model/errors.ts";

type Parameter = string | number | readonly string[];

/**
 * Parameters that may come in the query or in a JSON body, as the texts that a query has: numbers are written out,
 * lists joined by commas. CodedError `invalid_parameter` where one comes in both.
 */
export function mergeParameters(
  query: Readonly<Record<string, string>>,
  body: Readonly<Record<string, Parameter>> | undefined | null,
): Record<string, string> {
  const merged: Record<string, string> = { ...query };
  for (const [field, value] of Object.entries(body ?? {})) {
    if (field in merged) {
      throw new CodedError("invalid_parameter", `${field} is in the query and in the body`, {
        field,
      });
    }
    merged[field] =
      typeof value === "string" || typeof value === "number" ? String(value) : value.join(",");
  }
  return merged;
}
