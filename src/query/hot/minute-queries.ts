/** Counts of one ad and Top-N over minutes in memory. */

import type { DictionaryView } from "../../model/dictionary-view.ts";
import { addRun } from "./add-run.ts";
import type { HotMinute } from "./hot-minute.ts";
import { compileAds, compileKeys } from "./key-filter.ts";
import type { KeysPredicate, SplitFilter } from "./key-filter.ts";
import type { Filter } from "../../model/filter.ts";
import type { CountedPart } from "./minute-blocks.ts";
import { lowerBound } from "./minute-run.ts";
import type { MinuteRun, UnsortedRows } from "./minute-run.ts";
import { TopSelection } from "./top-selection.ts";
import type { RankedAd } from "./top-selection.ts";

export interface HotQuery extends SplitFilter {
  readonly dictionary: DictionaryView;
}

/** Ads whose sums are held at a time; more ads take more passes. 8 MB. */
const adsAPass = 1 << 20;

/** Sums by ad, all 0 between queries. */
let scratch = new Float64Array(1024);

/** Where there is a condition on the dimensions. */
export function countOfAdWhere(
  query: HotQuery,
  minutes: readonly HotMinute[],
  adKey: number,
): number {
  if (query.ads && !compileAds(query.ads, query.dictionary)(adKey)) return 0;
  const predicates = new PredicateCache(query);
  let count = 0;
  for (const minute of minutes) {
    const { keys, names } = minute.combinations;
    const holds = predicates.of(names);
    count += countInPart(minute, adKey, (combination) => holds(keys, combination * names.length));
  }
  return count;
}

/** Where there is none. */
export function countOfAd(query: HotQuery, parts: readonly CountedPart[], adKey: number): number {
  if (query.ads && !compileAds(query.ads, query.dictionary)(adKey)) return 0;
  let count = 0;
  for (const part of parts) count += countInPart(part, adKey, undefined);
  return count;
}

/** Where there is a condition on the dimensions. */
export function topAdsWhere(
  query: HotQuery,
  minutes: readonly HotMinute[],
  most: number,
): RankedAd[] {
  return rankedAds(query, minutes, dimensionMasks(query, minutes), most);
}

/** Where there is none. */
export function topAds(query: HotQuery, parts: readonly CountedPart[], most: number): RankedAd[] {
  return rankedAds(query, parts, undefined, most);
}

function rankedAds(
  query: HotQuery,
  parts: readonly CountedPart[],
  masks: readonly Uint8Array[] | undefined,
  most: number,
): RankedAd[] {
  const { dictionary } = query;
  const top = new TopSelection(
    most,
    (adKey) => dictionary.text("ad_id", adKey) ?? unknownAd(adKey),
  );
  const accepts = query.ads && compileAds(query.ads, dictionary);
  const adCount = dictionary.size("ad_id");
  for (let firstKey = 1; firstKey <= adCount; firstKey += adsAPass) {
    const length = Math.min(adsAPass, adCount + 1 - firstKey);
    const sums = scratchOf(length);
    for (const [i, { runs, tail }] of parts.entries()) {
      for (const run of runs) addRun(sums, length, firstKey, run, masks?.[i]);
      addTail(sums, length, firstKey, tail, masks?.[i]);
    }
    top.offerAll(sums, length, firstKey, accepts);
  }
  return top.finish();
}

/** The condition on the dimensions, compiled once a layout. */
class PredicateCache {
  private readonly filter: Filter;
  private readonly dictionary: DictionaryView;
  private readonly byNames = new Map<readonly string[], KeysPredicate>();

  constructor({ dimensions, dictionary }: HotQuery) {
    if (!dimensions) throw new Error("there is no condition on the dimensions");
    this.filter = dimensions;
    this.dictionary = dictionary;
  }

  of(names: readonly string[]): KeysPredicate {
    let predicate = this.byNames.get(names);
    if (!predicate)
      this.byNames.set(names, (predicate = compileKeys(this.filter, names, this.dictionary)));
    return predicate;
  }
}

/** By minute, 1 for each combination that the condition on the dimensions holds for. */
function dimensionMasks(query: HotQuery, minutes: readonly HotMinute[]): Uint8Array[] {
  const predicates = new PredicateCache(query);
  return minutes.map(({ combinations: { names, keys, size } }) => {
    const holds = predicates.of(names);
    const mask = new Uint8Array(size);
    for (let code = 0; code < size; code++) mask[code] = holds(keys, code * names.length) ? 1 : 0;
    return mask;
  });
}

function countInPart(
  { runs, tail }: CountedPart,
  adKey: number,
  accepts: ((combination: number) => boolean) | undefined,
): number {
  let count = countInTail(tail, adKey, accepts);
  for (const run of runs) count += countInRun(run, adKey, accepts);
  return count;
}

function countInRun(
  run: MinuteRun,
  adKey: number,
  accepts: ((combination: number) => boolean) | undefined,
): number {
  const ad = lowerBound(run.adKeys, adKey);
  if (run.adKeys[ad] !== adKey) return 0;
  if (!accepts) return run.adTotals[ad]!;
  if (!run.detail) throw new Error("a minute without detail was asked about dimensions");
  const { rowStarts, combinations, counts } = run.detail;
  let count = 0;
  for (let row = rowStarts[ad]!; row < rowStarts[ad + 1]!; row++) {
    if (accepts(combinations[row]!)) count += counts[row]!;
  }
  return count;
}

function countInTail(
  { rowCount, adKeys, combinations, counts }: UnsortedRows,
  adKey: number,
  accepts: ((combination: number) => boolean) | undefined,
): number {
  let count = 0;
  for (let row = 0; row < rowCount; row++) {
    if (adKeys[row] === adKey && (!accepts || accepts(combinations[row]!))) count += counts[row]!;
  }
  return count;
}

function addTail(
  sums: Float64Array,
  length: number,
  firstKey: number,
  { rowCount, adKeys, combinations, counts }: UnsortedRows,
  mask: Uint8Array | undefined,
): void {
  for (let row = 0; row < rowCount; row++) {
    const place = adKeys[row]! - firstKey;
    if (place < 0 || place >= length) continue;
    if (!mask || mask[combinations[row]!] === 1) sums[place]! += counts[row]!;
  }
}

function scratchOf(length: number): Float64Array {
  if (scratch.length < length)
    scratch = new Float64Array(Math.min(adsAPass, 2 ** Math.ceil(Math.log2(length))));
  return scratch;
}

function unknownAd(adKey: number): never {
  throw new Error(`ad key ${adKey} is not in the dictionary`);
}
