/** Parameters of requests, from strings to values. Each refuses with a CodedError that names the parameter. */

import { adIdBytesMax } from "../model/click.ts";
import { checkField, checkFilter } from "../model/check-filter.ts";
import type { KnownFields } from "../model/check-filter.ts";
import { CodedError } from "../model/errors.ts";
import type { Filter } from "../model/filter.ts";
import { formatFilter, parseFilter } from "../model/parse-filter.ts";
import { checkTimeZone, parseGranularity } from "./calendar.ts";
import type { Granularity } from "./calendar.ts";
import type { ConfigHistory } from "./config-history.ts";

const byFieldsMax = 3;

export interface CheckedFilter {
  /** With values as they are stored. */
  readonly filter: Filter;
  /** Canonical, with values as they were asked for. */
  readonly text: string;
}

export interface Buckets {
  readonly granularity: Granularity;
  readonly timeZone: string;
}

export function filterParameter(
  text: string | undefined,
  { knownFields, storedForms }: Pick<ConfigHistory, "knownFields" | "storedForms">,
): CheckedFilter | undefined {
  if (text === undefined) return undefined;
  const asked = checkFilter(parseFilter(text), knownFields, storedForms.isStoredForm);
  return { filter: storedForms.storedFilter(asked), text: formatFilter(asked) };
}

export function bucketsParameter(
  granularity: string | undefined,
  tz: string | undefined,
): Buckets | undefined {
  if (tz !== undefined) checkTimeZone(tz);
  if (granularity === undefined) return undefined;
  return { granularity: parseGranularity(granularity), timeZone: tz ?? "UTC" };
}

export function adIdParameter(adId: string): string {
  if (adId !== "" && Buffer.byteLength(adId) <= adIdBytesMax) return adId;
  throw new CodedError("invalid_parameter", `ad_id: must have 1 to ${adIdBytesMax} bytes`, {
    field: "ad_id",
  });
}

/** Up to three known fields, comma-separated, none twice. */
export function byParameter(text: string | undefined, known: KnownFields): string[] {
  if (text === undefined || text === "") return [];
  const fields = text.split(",").map((field) => field.trim());
  if (fields.length > byFieldsMax) {
    throw new CodedError("invalid_parameter", `by: at most ${byFieldsMax} fields`, { field: "by" });
  }
  for (const [i, field] of fields.entries()) {
    checkField(field, known, "by");
    if (fields.indexOf(field) === i) continue;
    throw new CodedError("invalid_parameter", `by: '${field}' is named twice`, { field: "by" });
  }
  return fields;
}

export function wholeNumberParameter(
  name: string,
  text: string | undefined,
  bounds: { readonly least: number; readonly most: number; readonly otherwise: number },
): number {
  if (text === undefined) return bounds.otherwise;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= bounds.least && value <= bounds.most) return value;
  throw new CodedError(
    "invalid_parameter",
    `${name}: '${text}' is not a whole number from ${bounds.least} to ${bounds.most}`,
    { field: name },
  );
}

/** The commit to answer as of, from 1 up to the current one; undefined where none is asked for. */
export function asOfParameter(text: string | undefined, current: number): number | undefined {
  if (text === undefined) return undefined;
  const bounds = { least: 1, most: Number.MAX_SAFE_INTEGER, otherwise: current };
  const asOf = wholeNumberParameter("as_of", text, bounds);
  if (asOf <= current) return asOf;
  throw new CodedError(
    "invalid_parameter",
    `as_of: ${asOf} is ahead of the current commit, ${current}`,
    { field: "as_of", details: { current } },
  );
}

export type RowOrder = "key" | "count";

export function orderParameter(text: string | undefined): RowOrder {
  if (text === undefined || text === "key" || text === "count") return text ?? "key";
  throw new CodedError("invalid_parameter", `order: '${text}' is not known; key or count`, {
    field: "order",
  });
}
