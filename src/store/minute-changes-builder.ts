import type { MinuteChanges } from "../model/commit.ts";

/** Gathers changes of minute rows, row by row. */
export class MinuteChangesBuilder {
  private readonly dimensions: readonly string[];
  private readonly minutes: number[] = [];
  private readonly adKeys: number[] = [];
  private readonly changes: number[] = [];
  private readonly keys: readonly number[][];
  private readonly texts: readonly (string | null)[][];

  constructor(dimensions: readonly string[]) {
    this.dimensions = dimensions;
    this.keys = dimensions.map(() => []);
    this.texts = dimensions.map(() => []);
  }

  get rowCount(): number {
    return this.changes.length;
  }

  /** `keyOf` and `textOf`: of each dimension by its place; a text only where there is no key. */
  add(
    minute: number,
    adKey: number,
    change: number,
    keyOf: (dimension: number) => number,
    textOf: (dimension: number) => string | null,
  ): void {
    this.minutes.push(minute);
    this.adKeys.push(adKey);
    this.changes.push(change);
    for (const [i, keys] of this.keys.entries()) {
      keys.push(keyOf(i));
      this.texts[i]!.push(textOf(i));
    }
  }

  build(): MinuteChanges {
    const texts = this.dimensions.flatMap((name, i) =>
      this.texts[i]!.some((text) => text !== null) ? [[name, this.texts[i]!] as const] : [],
    );
    return {
      rowCount: this.rowCount,
      minutes: Int32Array.from(this.minutes),
      adKeys: Int32Array.from(this.adKeys),
      dimensionKeys: new Map(
        this.dimensions.map((name, i) => [name, Int32Array.from(this.keys[i]!)]),
      ),
      dimensionTexts: new Map(texts),
      changes: Int32Array.from(this.changes),
    };
  }
}
