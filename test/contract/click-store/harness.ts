/** What the parts of the contract suite of stores share. */
import type { Filter } from "../../../src/model/filter.ts";
import { minuteMs } from "../../../src/model/time.ts";
import type { AggregateQuery, AggregateRow, ClickStore } from "../../../src/store/click-store.ts";
import type { CommitParts, DecidedClick } from "../../support/store-clicks.ts";
import { CommitMaker } from "../../support/store-clicks.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

/** Opens the store that lives in a directory, the same one each time. */
export type OpenStore = (directory: string) => Promise<ClickStore>;

/** How often a store is asked the same in other forms: what costs little by the default may take minutes. */
export interface Repetitions {
  readonly randomRuns: number;
  readonly pageSizes: readonly number[];
}

export const manyRepetitions: Repetitions = { randomRuns: 12, pageSizes: [1, 2, 3, 7] };

/** 2026-03-01T12:00Z, a whole hour. */
export const noonMs = 1_772_366_400_000;
export const noon = noonMs / minuteMs;

export const is = (field: string, ...values: string[]): Filter => ({
  kind: "comparison",
  field,
  operator: values.length === 1 ? "==" : "=in=",
  values,
});
export const isNot = (field: string, ...values: string[]): Filter => ({
  kind: "comparison",
  field,
  operator: values.length === 1 ? "!=" : "=out=",
  values,
});
export const isNull = (field: string, value: boolean): Filter => ({
  kind: "comparison",
  field,
  operator: "=null=",
  values: [String(value)],
});

let ids = 0;

/** A click some minutes after noon, with an id of its own. */
export function click(
  ad_id: string,
  minute: number,
  dimensions: Record<string, string> = {},
  more: Partial<DecidedClick> = {},
): DecidedClick {
  const event_id = `00000000-0000-4000-8000-${(++ids).toString(16).padStart(12, "0")}`;
  return { ad_id, event_id, click_timestamp: (noon + minute) * minuteMs + 1, dimensions, ...more };
}

/** A line a row: the group, then the count. */
export const shown = (rows: readonly AggregateRow[]): string[] =>
  rows.map(({ group, count }) => [...group.map((value) => value ?? "-"), count].join(" "));

export const hour: Pick<AggregateQuery, "fromMinute" | "toMinute" | "order" | "limit"> = {
  fromMinute: noon,
  toMinute: noon + 60,
  order: "count",
  limit: 100,
};

/** A store in a directory of its own, closed and removed after the test. */
export async function withStore(
  open: OpenStore,
  test: (store: ClickStore, maker: CommitMaker, directory: string) => Promise<void>,
): Promise<void> {
  await using directory = await temporaryDirectory();
  await using store = await open(directory.path);
  await test(store, new CommitMaker(), directory.path);
}

export async function withClicks(
  open: OpenStore,
  commits: readonly CommitParts[],
  test: (store: ClickStore, maker: CommitMaker) => Promise<void>,
): Promise<void> {
  await withStore(open, async (store, maker) => {
    for (const parts of commits) await store.commit(maker.next(parts));
    await test(store, maker);
  });
}
