/**
 * Filters as SQL, without I/O. A field has one or more forms, by how its values are kept; a value is bound as a
 * parameter, never spliced.
 */

import type { Comparison, Filter } from "../../model/filter.ts";
import { isProtectedForm } from "../../model/protected-value.ts";
import { addressWords, canonicalAddress } from "../filter-address.ts";
import type { SqlValue } from "./connection.ts";
import { bigintOfWords } from "./read-chunk.ts";

export type FieldForm =
  | KeyForm
  | { readonly kind: "text"; readonly sql: string }
  /** Addresses as 128 bits. */
  | { readonly kind: "ip"; readonly sql: string };

/** Keys of a dictionary, 0 = missing. */
export interface KeyForm {
  readonly kind: "key";
  readonly sql: string;
  readonly dictionary: string;
  /** The dictionary's table; absent where no value has a key yet. */
  readonly table?: string;
  /** The values are addresses, in the form of formatIp. */
  readonly isAddress?: boolean;
}

/** The key of a value, where it is known without asking the database. */
export type KnownKey = (dictionary: string, value: string) => number | undefined;

/** Collects the values of one statement. */
export class Bindings {
  readonly values: SqlValue[] = [];

  add(value: SqlValue): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}

export interface FilterContext {
  /** No forms where no click has a value. */
  formsOf(field: string): readonly FieldForm[];
  readonly knownKey: KnownKey;
}

/** The condition is true exactly for the rows that match; elsewhere it is false or null. */
export function filterToSql(filter: Filter, context: FilterContext, bindings: Bindings): string {
  if (filter.kind === "comparison") return comparisonToSql(filter, context, bindings);
  const operands = filter.operands.map((operand) => filterToSql(operand, context, bindings));
  if (operands.length === 0) return filter.kind === "and" ? "TRUE" : "FALSE";
  return `(${operands.join(filter.kind === "and" ? " AND " : " OR ")})`;
}

function comparisonToSql(
  { field, operator, values }: Comparison,
  context: FilterContext,
  bindings: Bindings,
): string {
  const forms = context.formsOf(field);
  const isOneOf = (form: FieldForm) => {
    // What is protected is kept as text.
    const own = form.kind === "ip" ? values.filter((value) => !isProtectedForm(value)) : values;
    const list = own.map((value) => valueToSql(form, field, value, context.knownKey, bindings));
    if (list.length === 0) return "FALSE";
    return list.length === 1 ? `${form.sql} = ${list[0]}` : `${form.sql} IN (${list.join(", ")})`;
  };
  switch (operator) {
    case "==":
    case "=in=":
      return anyOf(forms.map(isOneOf));
    case "!=":
    case "=out=":
      return allOf(forms.map((form) => `(${isMissing(form)} OR NOT (${isOneOf(form)}))`));
    case "=null=":
      return values[0] === "true"
        ? allOf(forms.map(isMissing))
        : anyOf(forms.map((form) => `NOT ${isMissing(form)}`));
  }
}

function anyOf(conditions: readonly string[]): string {
  return conditions.length === 0 ? "FALSE" : `(${conditions.join(" OR ")})`;
}

function allOf(conditions: readonly string[]): string {
  return conditions.length === 0 ? "TRUE" : `(${conditions.join(" AND ")})`;
}

function isMissing(form: FieldForm): string {
  return form.kind === "key" ? `(${form.sql} = 0)` : `(${form.sql} IS NULL)`;
}

function valueToSql(
  form: FieldForm,
  field: string,
  value: string,
  knownKey: KnownKey,
  bindings: Bindings,
): string {
  switch (form.kind) {
    case "key":
      return keyToSql(
        form,
        form.isAddress ? canonicalAddress(field, value) : value,
        knownKey,
        bindings,
      );
    case "text":
      return bindings.add(value);
    case "ip":
      return bindings.add(addressOf(field, value));
  }
}

/** -1 where the value has no key as of the statement's own snapshot. */
function keyToSql(form: KeyForm, value: string, knownKey: KnownKey, bindings: Bindings): string {
  if (form.table === undefined) return "-1";
  const key = knownKey(form.dictionary, value);
  if (key !== undefined) return String(key);
  return `coalesce((SELECT "key" FROM ${form.table} WHERE "value" = ${bindings.add(value)}), -1)`;
}

export function addressOf(field: string, text: string): bigint {
  return bigintOfWords(addressWords(field, text), 0);
}

/** The dictionary values a filter asks for. */
export function keyedValues(
  filter: Filter | undefined,
  formsOf: (field: string) => readonly FieldForm[],
): { dictionary: string; table: string; value: string }[] {
  if (!filter) return [];
  if (filter.kind !== "comparison") return filter.operands.flatMap((o) => keyedValues(o, formsOf));
  if (filter.operator === "=null=") return [];
  const form = formsOf(filter.field).find((other) => other.kind === "key");
  if (form?.table === undefined) return [];
  const { dictionary, table, isAddress } = form;
  return filter.values.map((value) => ({
    dictionary,
    table,
    value: isAddress ? canonicalAddress(filter.field, value) : value,
  }));
}
