/** Fields and filters as SQL over rows `c`, without I/O. */

import type { Comparison, Filter } from "../../model/filter.ts";
import { filterFields } from "../../model/filter.ts";
import { canonicalAddress } from "../filter-address.ts";
import { literal, literals, quoted } from "./connection.ts";
import type { DimensionTable } from "./schema.ts";
import { dimensionColumn } from "./schema.ts";
import type { StoreState } from "./state.ts";

/** How the fields of a query are kept in a table. */
export class QueryFields {
  /** Names of dimensions that the query reads, of those that the table has. */
  readonly dimensions: readonly string[];
  /** Attributes of ads, by the number of their join. */
  readonly attributes: readonly string[];
  private readonly addresses: ReadonlySet<string>;

  constructor(
    {
      filter,
      groupBy,
    }: { readonly filter?: Filter | undefined; readonly groupBy: readonly string[] },
    table: DimensionTable,
    { columns, addresses }: StoreState,
  ) {
    const fields = [...new Set([...filterFields(filter), ...groupBy])];
    this.attributes = fields
      .filter((field) => field.startsWith("ad."))
      .map((field) => field.slice("ad.".length));
    this.dimensions = fields.filter((field) => columns[table].has(field));
    this.addresses = addresses;
  }

  /** `NULL` where no row can have a value. */
  toSql(field: string): string {
    if (field === "ad_id") return "c.ad_id";
    if (field.startsWith("ad.")) {
      return `a${this.attributes.indexOf(field.slice("ad.".length))}.value`;
    }
    return this.dimensions.includes(field) ? `c.${columnOf(field)}` : "NULL";
  }

  /** As it is kept. */
  valueOf(field: string, value: string): string {
    return this.addresses.has(field) ? canonicalAddress(field, value) : value;
  }

  /** True for the rows that match; elsewhere it is false or null. */
  filterToSql(filter: Filter): string {
    if (filter.kind === "comparison") return this.comparisonToSql(filter);
    const operands = filter.operands.map((operand) => this.filterToSql(operand));
    if (operands.length === 0) return filter.kind === "and" ? "1" : "0";
    return `(${operands.join(filter.kind === "and" ? " AND " : " OR ")})`;
  }

  private comparisonToSql({ field, operator, values }: Comparison): string {
    const sql = this.toSql(field);
    const isMissing = sql === "NULL" ? "1" : `${sql} IS NULL`;
    if (operator === "=null=")
      return values[0] === "true" ? `(${isMissing})` : `(NOT (${isMissing}))`;
    const listed = literals(values.map((value) => this.valueOf(field, value)));
    const isListed = sql === "NULL" || listed === "" ? "0" : `${sql} IN (${listed})`;
    return operator === "==" || operator === "=in="
      ? `(${isListed})`
      : `(${isMissing} OR NOT (${isListed}))`;
  }
}

export function columnOf(dimension: string): string {
  return quoted(dimensionColumn(dimension).name);
}

/** Conditions on rows `c`. */
export function conditionOf(
  { adId, filter }: { readonly adId?: string | undefined; readonly filter?: Filter | undefined },
  fields: QueryFields,
): string {
  const conditions = [
    ...(adId === undefined ? [] : [`c.ad_id = ${literal(adId)}`]),
    ...(filter ? [fields.filterToSql(filter)] : []),
  ];
  return conditions.length === 0 ? "1" : conditions.join(" AND ");
}
