import type { MinuteChanges } from "../model/commit.ts";
import type { Effects } from "./effects.ts";
import type { SharedState } from "./state.ts";

/** Adds the changes to rows of final buckets. Values that have no key are given one. */
export function addMinuteChanges(
  shared: SharedState,
  { rowCount, minutes, adKeys, dimensionTexts, changes, ...rest }: MinuteChanges,
  effects: Effects,
): void {
  const dimensionKeys = new Map(rest.dimensionKeys);
  for (const [name, texts] of dimensionTexts) {
    const dictionary = shared.dictionary(name);
    const known = dimensionKeys.get(name);
    const keyOf = (text: string | null, row: number): number =>
      text === null ? (known?.[row] ?? 0) : dictionary.internText(text);
    dimensionKeys.set(name, Int32Array.from(texts, keyOf));
  }
  const { columns } = effects.minutes.align(dimensionKeys, rowCount);
  for (let row = 0; row < rowCount; row++)
    effects.minutes.add(minutes[row]!, adKeys[row]!, columns, row, 1, undefined, changes[row]!);
}
