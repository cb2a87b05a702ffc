import type { CommitPart } from "./commit-part.ts";
import type { Dictionaries } from "./dictionaries.ts";

export type TextOf = (dictionary: string, key: number) => string | undefined;

/** What keys mean to commits that go together: one may have keys that another one brings. */
export function textsOf(parts: readonly CommitPart[], dictionaries: Dictionaries): TextOf {
  const growths = parts.flatMap(({ commit }) => commit.dictionaries);
  return (dictionary, key) => {
    const growth = growths.find(
      (own) =>
        own.dictionary === dictionary &&
        key >= own.firstKey &&
        key < own.firstKey + own.values.length,
    );
    return growth ? growth.values[key - growth.firstKey] : dictionaries.textOf(dictionary, key);
  };
}
