/**
 * Filters over dictionary keys. Values are looked up once; a row is then compared by numbers.
 *
 * A filter is split into a condition on the ad and one on the dimensions, both of which must hold. What has no such
 * split (an `or` over both), or asks about attributes of ads, is not answered here.
 */

import type { DictionaryView } from "../../model/dictionary-view.ts";
import type { Comparison, Filter } from "../../model/filter.ts";
import { filterFields } from "../../model/filter.ts";

export interface SplitFilter {
  readonly ads: Filter | undefined;
  readonly dimensions: Filter | undefined;
}

/** True for an ad key that the condition on the ad holds for. */
export type AdPredicate = (adKey: number) => boolean;
/** Likewise for the dimension keys from `keys[at]` on. */
export type KeysPredicate = (keys: Int32Array, at: number) => boolean;

export function splitFilter(filter: Filter | undefined): SplitFilter | undefined {
  if (!filter) return { ads: undefined, dimensions: undefined };
  const ads: Filter[] = [];
  const dimensions: Filter[] = [];
  for (const operand of filter.kind === "and" ? filter.operands : [filter]) {
    const fields = [...filterFields(operand)];
    if (fields.some((field) => field.startsWith("ad."))) return undefined;
    if (fields.every((field) => field === "ad_id")) ads.push(operand);
    else if (fields.includes("ad_id")) return undefined;
    else dimensions.push(operand);
  }
  return { ads: allOf(ads), dimensions: allOf(dimensions) };
}

export function compileAds(filter: Filter, dictionary: DictionaryView): AdPredicate {
  return compile<AdPredicate>(filter, everyAd, someAd, (comparison) =>
    matcher(comparison, dictionary),
  );
}

/** For combinations of the keys of the dimensions `names`; one that is not among them is missing in every row. */
export function compileKeys(
  filter: Filter,
  names: readonly string[],
  dictionary: DictionaryView,
): KeysPredicate {
  return compile<KeysPredicate>(filter, everyKeys, someKeys, (comparison) => {
    const matches = matcher(comparison, dictionary);
    const place = names.indexOf(comparison.field);
    if (place >= 0) return (keys, at) => matches(keys[at + place]!);
    const matchesMissing = matches(0);
    return () => matchesMissing;
  });
}

function allOf(filters: readonly Filter[]): Filter | undefined {
  return filters.length > 1 ? { kind: "and", operands: filters } : filters[0];
}

function compile<Predicate>(
  filter: Filter,
  every: (operands: readonly Predicate[]) => Predicate,
  some: (operands: readonly Predicate[]) => Predicate,
  leaf: (comparison: Comparison) => Predicate,
): Predicate {
  if (filter.kind === "comparison") return leaf(filter);
  const operands = filter.operands.map((operand) => compile(operand, every, some, leaf));
  return filter.kind === "and" ? every(operands) : some(operands);
}

const everyAd =
  (operands: readonly AdPredicate[]): AdPredicate =>
  (adKey) =>
    operands.every((holds) => holds(adKey));
const someAd =
  (operands: readonly AdPredicate[]): AdPredicate =>
  (adKey) =>
    operands.some((holds) => holds(adKey));

function everyKeys(operands: readonly KeysPredicate[]): KeysPredicate {
  return (keys, at) => operands.every((holds) => holds(keys, at));
}

function someKeys(operands: readonly KeysPredicate[]): KeysPredicate {
  return (keys, at) => operands.some((holds) => holds(keys, at));
}

/** Key 0 is the missing value: it matches `!=`, `=out=` and `=null=true` only. */
function matcher(
  { field, operator, values }: Comparison,
  dictionary: DictionaryView,
): (key: number) => boolean {
  if (operator === "=null=") {
    const wantsMissing = values[0] === "true";
    return (key) => (key === 0) === wantsMissing;
  }
  // A value that never occurred has no key; no row equals it.
  const keys = new Set(values.map((value) => dictionary.key(field, value)));
  return operator === "==" || operator === "=in="
    ? (key) => keys.has(key)
    : (key) => !keys.has(key);
}
