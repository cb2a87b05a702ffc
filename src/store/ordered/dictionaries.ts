/**
 * The keys of texts: 1, 2, 3 … in the order in which commits have brought them, so that whoever reads the same commits comes to
 * the same. Two that count beside one another may both bring a text: the first counts. A process that counts gives keys of
 * its own to what it brings, which nobody else ever sees. The tables hold the texts themselves.
 */

import type { DictionaryGrowth } from "../../model/commit.ts";
import type { DictionaryView } from "../../model/dictionary-view.ts";

export class Dictionaries {
  /** As it grows. */
  readonly view: DictionaryView = {
    text: (dictionary, key) => this.textOf(dictionary, key),
    key: (dictionary, text) => this.keys.get(dictionary)?.get(text),
    size: (dictionary) => this.sizeOf(dictionary),
  };
  private readonly values = new Map<string, string[]>();
  private readonly keys = new Map<string, Map<string, number>>();

  /** Growth that is there already changes nothing. */
  grow({ dictionary, firstKey, values }: DictionaryGrowth): void {
    let own = this.values.get(dictionary);
    let keys = this.keys.get(dictionary);
    if (!own || !keys) {
      this.values.set(dictionary, (own = []));
      this.keys.set(dictionary, (keys = new Map()));
    }
    for (const [i, value] of values.entries()) {
      own[firstKey - 1 + i] = value;
      keys.set(value, firstKey + i);
    }
  }

  /** False where the text has a key already. */
  learn(dictionary: string, value: string): boolean {
    if (this.keys.get(dictionary)?.has(value)) return false;
    const firstKey = (this.values.get(dictionary)?.length ?? 0) + 1;
    this.grow({ dictionary, firstKey, values: [value] });
    return true;
  }

  sizeOf(dictionary: string): number {
    return this.values.get(dictionary)?.length ?? 0;
  }

  /** All values in the order of their keys. */
  all(): Map<string, readonly string[]> {
    return new Map([...this.values].map(([name, values]) => [name, [...values]]));
  }

  names(): string[] {
    return [...this.values.keys()];
  }

  /** Undefined for 0 and for a key that was never given. */
  textOf(dictionary: string, key: number): string | undefined {
    return this.values.get(dictionary)?.[key - 1];
  }

  /** 0 where it has none. */
  keyOf(dictionary: string, value: string | null): number {
    return value === null ? 0 : (this.keys.get(dictionary)?.get(value) ?? 0);
  }
}
