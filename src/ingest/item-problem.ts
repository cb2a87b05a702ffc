import type { ItemError, ItemErrorCode } from "../model/errors.ts";

/** What is wrong with an item, before its index is known. */
export type ItemProblem = Omit<ItemError, "index">;

/** Characters of a value that a message shows. */
const shownCharactersMax = 64;

/** Errors that an answer lists. */
const listedErrorsMax = 100;

/** The start of a text, for messages. */
export function shortened(text: string): string {
  if (text.length <= shownCharactersMax) return text;
  // Cutting between the halves of a pair would leave a lone one.
  return `${text.slice(0, shownCharactersMax).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** The problems of one body: the first ones listed, all of them counted by code. */
export class ItemErrors {
  readonly listed: ItemError[] = [];
  readonly counts: Partial<Record<ItemErrorCode, number>> = {};
  total = 0;

  add(index: number, problem: ItemProblem): void {
    this.total++;
    this.counts[problem.code] = (this.counts[problem.code] ?? 0) + 1;
    if (this.listed.length < listedErrorsMax) this.listed.push({ index, ...problem });
  }
}
