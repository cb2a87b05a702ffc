/**
 * Filters as a tree. The text form is RSQL, see parse-filter.ts.
 *
 * A missing value matches `!=x`, `=out=(…)` and `=null=true`, and nothing else.
 */

export type Filter =
  | { readonly kind: "and"; readonly operands: readonly Filter[] }
  | { readonly kind: "or"; readonly operands: readonly Filter[] }
  | Comparison;

export type ComparisonOperator = "==" | "!=" | "=in=" | "=out=" | "=null=";

export interface Comparison {
  readonly kind: "comparison";
  /** `ad_id`, a dimension's name, or `ad.` and an attribute's name. */
  readonly field: string;
  readonly operator: ComparisonOperator;
  /** One value for `==` and `!=`, one or more for the sets, `true` or `false` for `=null=`. */
  readonly values: readonly string[];
}

/** The names of the fields a filter asks about, each once. */
export function filterFields(filter: Filter | undefined): Set<string> {
  const fields = new Set<string>();
  const visit = (node: Filter): void => {
    if (node.kind === "comparison") fields.add(node.field);
    else for (const operand of node.operands) visit(operand);
  };
  if (filter) visit(filter);
  return fields;
}
