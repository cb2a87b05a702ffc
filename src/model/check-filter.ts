import type { DimensionType } from "./dimensions.ts";
import { CodedError } from "./errors.ts";
import type { Filter } from "./filter.ts";
import { formatIp, parseIpInto } from "./ip.ts";

/** The fields that can be asked about and the type of their values: `ad_id`, dimensions, `ad.` and attributes. */
export type KnownFields = ReadonlyMap<string, DimensionType>;

/**
 * The filter with its values in the form in which they are stored (addresses canonical, countries upper-case).
 * CodedError `unknown_dimension` where a field is not known, with the known ones in its details; `invalid_filter`
 * where a value can't be one of its field's.
 */
export function checkFilter(filter: Filter, known: KnownFields): Filter {
  if (filter.kind !== "comparison") {
    return {
      kind: filter.kind,
      operands: filter.operands.map((operand) => checkFilter(operand, known)),
    };
  }
  const type = checkField(filter.field, known, "filter");
  if (filter.operator === "=null=") return filter;
  const named = { parameter: "filter", code: "invalid_filter" } as const;
  const values = filter.values.map((value) => storedForm(value, type, filter.field, named));
  return { ...filter, values };
}

/** The type of a known field; CodedError `unknown_dimension` for any other. `parameter` is where it was named. */
export function checkField(field: string, known: KnownFields, parameter: string): DimensionType {
  const type = known.get(field);
  if (type) return type;
  const names = [...known.keys()];
  throw new CodedError(
    "unknown_dimension",
    `${parameter}: '${field}' is not known; known: ${names.join(", ")}`,
    {
      field: parameter,
      details: { unknown: field, known: names },
    },
  );
}

/**
 * The form in which a value is stored. CodedError where it can't be one of the field's: `invalid_filter` or
 * `invalid_parameter`, by what it was named in.
 */
export function storedForm(
  value: string,
  type: DimensionType,
  field: string,
  named: { readonly parameter: string; readonly code: "invalid_filter" | "invalid_parameter" },
): string {
  const stored = formOf(value, type);
  if (stored !== undefined) return stored;
  const expected = expectedForms[type];
  const { parameter, code } = named;
  throw new CodedError(code, `${parameter}: ${field} can't be '${value}': it is ${expected}`, {
    field: parameter,
    details: { dimension: field, found: value, expected },
  });
}

const expectedForms = {
  string: "text",
  country: "two letters (ISO 3166-1 alpha-2)",
  ip: "an IPv4 or IPv6 address",
} as const satisfies Record<DimensionType, string>;

function formOf(value: string, type: DimensionType): string | undefined {
  if (type === "string") return value;
  // Only these: the capitals of `ß` would be the code of South Sudan.
  if (type === "country") return /^[A-Za-z]{2}$/.test(value) ? value.toUpperCase() : undefined;
  const words = new Uint32Array(4);
  return parseIpInto(value, words, 0) ? formatIp(words, 0) : undefined;
}
