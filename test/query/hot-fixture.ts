import type { MinuteDeltas } from "../../src/model/commit.ts";
import type { DictionaryView } from "../../src/model/dictionary-view.ts";
import type { DimensionLayout } from "../../src/model/dimensions.ts";
import type { SemanticConfig } from "../../src/model/semantic-config.ts";

/** Keys in the order in which texts are asked for the first time. */
export class PlainDictionaries implements DictionaryView {
  private readonly texts = new Map<string, string[]>();

  intern(dictionary: string, text: string | null): number {
    if (text === null) return 0;
    const texts = this.texts.get(dictionary) ?? [];
    this.texts.set(dictionary, texts);
    const index = texts.indexOf(text);
    return index >= 0 ? index + 1 : texts.push(text);
  }

  text(dictionary: string, key: number): string | undefined {
    return this.texts.get(dictionary)?.[key - 1];
  }

  key(dictionary: string, text: string): number | undefined {
    const index = this.texts.get(dictionary)?.indexOf(text) ?? -1;
    return index >= 0 ? index + 1 : undefined;
  }

  size(dictionary: string): number {
    return this.texts.get(dictionary)?.length ?? 0;
  }
}

export interface PlainRow {
  readonly minute: number;
  readonly adId: string;
  readonly dimensions: Readonly<Record<string, string | null>>;
  readonly count: number;
}

export function minuteDeltas(
  rows: readonly PlainRow[],
  names: readonly string[],
  dictionaries: PlainDictionaries,
): MinuteDeltas {
  const column = (valueOf: (row: PlainRow) => number): Int32Array => Int32Array.from(rows, valueOf);
  return {
    rowCount: rows.length,
    minutes: column((row) => row.minute),
    adKeys: column((row) => dictionaries.intern("ad_id", row.adId)),
    dimensionKeys: new Map(
      names.map((name) => [
        name,
        column((row) => dictionaries.intern(name, row.dimensions[name] ?? null)),
      ]),
    ),
    counts: column((row) => row.count),
    restated: new Uint8Array(rows.length),
  };
}

export function configOf(
  dimensions: DimensionLayout,
  more: Partial<SemanticConfig> = {},
): SemanticConfig {
  return {
    generation: 1,
    fromMinute: 0,
    dimensions,
    adAttributes: ["campaign_id"],
    outOfOrdernessMs: 15_000,
    allowedLatenessMs: 60_000,
    idleLagMs: 15_000,
    dedupHorizonMs: 86_400_000,
    dedupRecentMs: 7_200_000,
    late: "restate",
    ...more,
  };
}
