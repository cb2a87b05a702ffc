import type { DimensionType } from "./dimensions.ts";
import { CodedError } from "./errors.ts";
import type { Filter } from "./filter.ts";
import { formatIp, parseIpInto } from "./ip.ts";

/** The fields that can be asked about and the type of their values: `ad_id`, dimensions, `ad.` and attributes. */
export type KnownFields = ReadonlyMap<string, DimensionType>;

/** Whether a value is of a form that a field's values are protected in: then it is asked for as it is. */
export type IsStoredForm = (field: string, value: string) => boolean;

/**
 * The filter with its values in the form that their types give them (addresses canonical, countries upper-case).
 * CodedError `unknown_dimension` where a field is not known, with the known ones in its details; `invalid_filter`
 * where a value can't be one of its field's.
 */
export function checkFilter(
  filter: Filter,
  known: KnownFields,
  isStoredForm: IsStoredForm = () => false,
): Filter {
  if (filter.kind !== "comparison") {
    return {
      kind: filter.kind,
      operands: filter.operands.map((operand) => checkFilter(operand, known, isStoredForm)),
    };
  }
  const type = checkField(filter.field, known, "filter");
  if (filter.operator === "=null=") return filter;
  const values = filter.values.map((value) => {
    const stored = storedForm(value, type);
    if (stored !== undefined) return stored;
    if (isStoredForm(filter.field, value)) return value;
    throw impossible(value, filter.field, expectedForms[type]);
  });
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

/** What a value has to be. */
export const expectedForms = {
  string: "text",
  country: "two letters (ISO 3166-1 alpha-2)",
  ip: "an IPv4 or IPv6 address",
} as const satisfies Record<DimensionType, string>;

/** The form in which a value is stored; undefined where it can't be one. */
export function storedForm(value: string, type: DimensionType): string | undefined {
  if (type === "string") return value;
  // Only these: the capitals of `ß` would be the code of South Sudan.
  if (type === "country") return /^[A-Za-z]{2}$/.test(value) ? value.toUpperCase() : undefined;
  const words = new Uint32Array(4);
  return parseIpInto(value, words, 0) ? formatIp(words, 0) : undefined;
}

function impossible(value: string, field: string, expected: string): CodedError {
  return new CodedError(
    "invalid_filter",
    `filter: ${field} can't be '${value}': it is ${expected}`,
    {
      field: "filter",
      details: { dimension: field, found: value, expected },
    },
  );
}
