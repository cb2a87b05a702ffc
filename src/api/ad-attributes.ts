/** Bodies that set attributes of ads, checked whole: one bad item and none is taken. */

import {
  adIdBytesMax,
  clickTimestampMsEnd,
  clickTimestampMsMin,
  dimensionValueBytesMax,
} from "../model/click.ts";
import { CodedError } from "../model/errors.ts";
import type { ErrorCode } from "../model/errors.ts";
import type { AdAttributesChange } from "../model/log-record.ts";
import { parseTime } from "../model/parse-time.ts";
import { minuteOf } from "../model/time.ts";

export interface AttributeRules {
  /** The declared attributes (`ads`). */
  readonly attributes: readonly string[];
  /** What valid_from is where it is not given, epoch ms. */
  readonly nowMs: number;
}

const listedErrorsMax = 100;

/** It would be stored as another text. */
const halfPair = "holds a surrogate without its other half, which UTF-8 does not allow";

export function checkAdId(adId: unknown): string {
  if (typeof adId !== "string")
    throw new Wrong("ad_id", adId === undefined ? "is missing" : "must be a text");
  const bytes = Buffer.byteLength(adId);
  if (bytes === 0 || bytes > adIdBytesMax)
    throw new Wrong("ad_id", `must have 1 to ${adIdBytesMax} bytes`);
  if (!adId.isWellFormed()) throw new Wrong("ad_id", halfPair);
  return adId;
}

/** `{"campaign_id": "c1", "valid_from"?: …}` or `{"attributes": {"campaign_id": "c1"}, "valid_from"?: …}`. */
export function parseAdChange(
  adId: unknown,
  body: unknown,
  rules: AttributeRules,
): AdAttributesChange {
  if (!isMap(body)) throw new Wrong(undefined, "the attributes must be a JSON object");
  const { valid_from: validFrom, ad_id: _, ...plain } = body;
  const { attributes, ...others } = plain;
  const named = attributes === undefined ? plain : attributes;
  if (!isMap(named)) throw new Wrong("attributes", "must be an object");
  const stray = attributes === undefined ? undefined : Object.keys(others)[0];
  if (stray !== undefined) throw new Wrong(stray, "stands beside attributes; put it into it");
  return {
    ad_id: checkAdId(adId),
    attributes: checkAttributes(named, rules.attributes),
    valid_from_minute: minuteOf(checkValidFrom(validFrom, rules.nowMs)),
  };
}

/** Items with an `ad_id` each. CodedError that lists what is wrong by item, the first 100. */
export function parseAdChanges(
  items: readonly unknown[],
  rules: AttributeRules,
): AdAttributesChange[] {
  const errors: { index: number; field?: string; code: ErrorCode; message: string }[] = [];
  const changes: AdAttributesChange[] = [];
  for (const [index, item] of items.entries()) {
    try {
      changes.push(parseAdChange(isMap(item) ? item["ad_id"] : "?", item, rules));
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      const { code, field, message } = error;
      if (errors.length < listedErrorsMax)
        errors.push({ index, ...(field === undefined ? {} : { field }), code, message });
    }
  }
  const [first] = errors;
  if (first) {
    throw new CodedError(first.code, `item ${first.index}: ${first.message}; nothing was changed`, {
      field: `[${first.index}]${first.field === undefined ? "" : `.${first.field}`}`,
      details: { errors },
    });
  }
  return changes;
}

function checkAttributes(
  named: Readonly<Record<string, unknown>>,
  declared: readonly string[],
): Record<string, string | null> {
  const entries = Object.entries(named);
  if (entries.length === 0) throw new Wrong("attributes", "are missing; name at least one");
  const checked: Record<string, string | null> = {};
  for (const [name, value] of entries) {
    if (!declared.includes(name)) {
      const known =
        declared.length === 0 ? "none is declared" : `declared are ${declared.join(", ")}`;
      throw new Wrong(name, `is no attribute of the ad table; ${known}`, "unknown_dimension", {
        known: declared,
      });
    }
    if (value !== null && typeof value !== "string")
      throw new Wrong(name, "must be a text, or null to remove it");
    const bytes = value === null ? 1 : Buffer.byteLength(value);
    if (bytes === 0 || bytes > dimensionValueBytesMax) {
      throw new Wrong(
        name,
        `must have 1 to ${dimensionValueBytesMax} bytes, or be null to remove it`,
      );
    }
    if (value !== null && !value.isWellFormed()) throw new Wrong(name, halfPair);
    checked[name] = value;
  }
  return checked;
}

function checkValidFrom(validFrom: unknown, nowMs: number): number {
  if (validFrom === undefined) return nowMs;
  const timeMs = typeof validFrom === "string" ? parseTime(validFrom) : validFrom;
  const isTime =
    typeof timeMs === "number" && timeMs >= clickTimestampMsMin && timeMs < clickTimestampMsEnd;
  if (!isTime)
    throw new Wrong("valid_from", "must be an RFC 3339 time with an offset, or epoch milliseconds");
  return timeMs;
}

class Wrong extends CodedError {
  constructor(
    field: string | undefined,
    what: string,
    code: ErrorCode = "invalid_parameter",
    details: Readonly<Record<string, unknown>> = {},
  ) {
    super(code, field === undefined ? what : `${field} ${what}`, {
      ...(field === undefined ? {} : { field }),
      details,
    });
  }
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
