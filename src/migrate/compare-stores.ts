/**
 * Compares a store with the one that it was copied into, number by number, and lets the new one count its minutes again from
 * its clicks. Each tells what it has by its own port, as it will tell everybody.
 */

import { isDeepStrictEqual } from "node:util";
import { toldPartition } from "../model/partition.ts";
import { minutesADay } from "../model/time.ts";
import type { MinuteRange } from "../model/window.ts";
import type {
  AggregateQuery,
  ClickStoreReader,
  RecordedOperation,
  RecoveredState,
  RestatementPlace,
  RestatementRow,
} from "../store/click-store.ts";
import { closedPeriods, visibilityOf } from "../store/closed-periods.ts";
import type { Visibility } from "../store/visibility.ts";
import type { DaySpan, MovedStore, MovePlan, MoveSource } from "../store/store-moves.ts";
import { wholeTables } from "./copy-store.ts";

export interface CompareOptions {
  readonly source: ClickStoreReader & { recover(): Promise<RecoveredState> };
  readonly moves: MoveSource;
  readonly target: MovedStore;
  readonly plan: MovePlan;
  readonly spans: readonly DaySpan[];
  /** Told of rows that are compared, again and again. */
  readonly onRows: (count: number) => void;
}

export interface Comparison {
  readonly minuteRows: number;
  readonly clicks: number;
  readonly ledgerRows: number;
  readonly journalRows: number;
  /** Minute rows that were counted again from clicks. */
  readonly recountedRows: number;
  /** One line each, the first ones. */
  readonly differences: readonly string[];
  readonly differing: number;
}

const differencesToldMax = 20;
const pageRows = 50_000;
const journalPageRows = 10_000;
const minutesAnHour = 60;

export async function compareStores(options: CompareOptions): Promise<Comparison> {
  const { source, target } = options;
  const comparing = new Comparing(options, await source.recover(), await target.recover());
  for (const span of options.spans) await comparing.days(span);
  await comparing.ledger();
  await comparing.books();
  return comparing.result;
}

type Counts = { -readonly [Name in Exclude<keyof Comparison, "differences">]: number };

class Comparing {
  private readonly options: CompareOptions;
  private readonly told: string[] = [];
  private readonly counts: Counts = {
    minuteRows: 0,
    clicks: 0,
    ledgerRows: 0,
    journalRows: 0,
    recountedRows: 0,
    differing: 0,
  };

  private readonly before: RecoveredState;
  private readonly after: RecoveredState;
  /** What each shows of what is closed. */
  private readonly sealed: readonly (Visibility | undefined)[];

  constructor(options: CompareOptions, before: RecoveredState, after: RecoveredState) {
    const { partitionsBefore, partitions } = options.plan;
    this.options = options;
    this.before = before;
    this.after = after;
    this.sealed = [
      visibilityOf(closedPeriods(before.closes, partitionsBefore)),
      visibilityOf(closedPeriods(after.closes, partitions)),
    ];
  }

  get result(): Comparison {
    return { ...this.counts, differences: this.told };
  }

  async days(span: DaySpan): Promise<void> {
    const { onRows, moves } = this.options;
    const whole = {
      fromMinute: span.firstDay * minutesADay,
      toMinute: (span.lastDay + 1) * minutesADay,
    };
    await this.clicks(span);
    // A day of many rows in pieces: each page of a piece is computed from all of it.
    const isLarge = span.rowCount > 2 * pageRows && span.firstDay === span.lastDay;
    const pieces = isLarge ? hoursOf(whole) : [whole];
    const minutes = ["ad_id", ...moves.dimensions.minute];
    for (const piece of pieces)
      this.counts.minuteRows += await this.aggregates("minute counts", piece, minutes, 1);
    const attributes = attributesOf(this.before);
    if (attributes.length > 0)
      await this.aggregates("counts by attributes of ads", whole, attributes, minutesADay);
    if (this.before.closes.length > 0)
      await this.aggregates("sealed counts", whole, ["ad_id"], minutesADay, this.sealed);
    await this.journal(whole);
    await this.recount(whole);
    onRows(span.rowCount);
  }

  /** Ledger rows by minutes of receipt. */
  async ledger(): Promise<void> {
    const { source, moves, target } = this.options;
    let fromMinute = -Infinity;
    for await (const rows of moves.rows("ledger")) {
      const [first, last] = [rows[0]![1] as number, rows.at(-1)![1] as number];
      const range = [Math.max(first, fromMinute), last + 1] as const;
      fromMinute = last + 1;
      const before = await source.ledger(...range);
      this.counts.ledgerRows += before.length;
      this.list(`ledger of minutes ${range.join(" to ")}`, before, await target.ledger(...range));
    }
  }

  async books(): Promise<void> {
    const { before, after } = this;
    const { source, moves, target, plan } = this.options;
    this.same("configurations", before.configs, after.configs);
    this.same("closed periods", ...this.periods());
    this.same("histories", await source.histories(), await target.histories());
    for (const [name, values] of before.dictionaries)
      this.list(`dictionary ${name}`, values, after.dictionaries.get(name) ?? []);
    const last = [await source.lastRecompute(), await target.lastRecompute()] as const;
    this.same(
      "last recompute",
      ...(last.map((own) => own && operationTold(own)) as [unknown, unknown]),
    );
    for (const table of wholeTables) {
      let rowCount = 0;
      const ids = new Set<string>();
      for await (const rows of moves.rows(table)) {
        rowCount += rows.length;
        if (table === "operation") for (const row of rows) ids.add(row[2] as string);
      }
      this.same(`rows of ${table}`, rowCount, await target.rowCount(table));
      for (const id of ids) {
        const parts = [await source.operation(id), await target.operation(id)] as const;
        const [one, other] = parts.map((own) => own.map(operationTold));
        this.list(`operation ${id}`, one!, other!);
      }
    }
    const finalities = [before, after].map(({ progress }) =>
      Math.max(...progress.map((own) => own.watermarkMs)),
    );
    this.same("highest watermark", ...(finalities as [number, number]));
    this.same("partitions", plan.partitions, after.progress.length);
  }

  private periods(): [unknown, unknown] {
    const { before, after } = this;
    const { plan } = this.options;
    const told = ({ closes }: RecoveredState, count: number): unknown =>
      closedPeriods(closes, count).map((own) => [
        own.throughMinute,
        own.id,
        own.tz,
        own.receivedAtMs,
        own.asOf,
      ]);
    return [told(before, plan.partitionsBefore), told(after, plan.partitions)];
  }

  private async clicks(span: DaySpan): Promise<void> {
    const { moves, target } = this.options;
    const [before, after] = [await moves.clickTally(span), await target.clickTally(span)];
    for (const outcome of new Set([...before.keys(), ...after.keys()])) {
      this.counts.clicks += Number(before.get(outcome)?.[0] ?? 0);
      this.same(
        `clicks of days ${span.firstDay} to ${span.lastDay} with outcome ${outcome}`,
        before.get(outcome),
        after.get(outcome),
      );
    }
  }

  /** Resolves with the number of rows. */
  private async aggregates(
    what: string,
    range: MinuteRange,
    groupBy: readonly string[],
    bucketMinutes: number,
    [seenBefore, seenNow]: readonly (Visibility | undefined)[] = [],
  ): Promise<number> {
    const { source, target } = this.options;
    const query: AggregateQuery = {
      ...range,
      source: "minute",
      groupBy,
      bucketStarts: startsOf(range, bucketMinutes),
      order: "key",
      limit: pageRows,
    };
    let rowCount = 0;
    for (let after: AggregateQuery["after"]; ;) {
      const asked = { ...query, ...(after && { after }) };
      const [before, now] = await Promise.all([
        source.aggregate({ ...asked, ...(seenBefore && { visibility: seenBefore }) }),
        target.aggregate({ ...asked, ...(seenNow && { visibility: seenNow }) }),
      ]);
      rowCount += before.rows.length;
      const place = `${what} of minutes ${range.fromMinute} to ${range.toMinute}`;
      if (!this.list(place, before.rows, now.rows) || before.rows.length < pageRows)
        return rowCount;
      after = before.rows.at(-1)!;
    }
  }

  private async journal(range: MinuteRange): Promise<void> {
    const { source, target } = this.options;
    for (let after: RestatementPlace | undefined; ;) {
      const asked = { ...range, limit: journalPageRows, ...(after && { after }) };
      const pages = [await source.restatements(asked), await target.restatements(asked)] as const;
      const [before, now]: (readonly RestatementRow[])[] = pages.map(({ rows }) => rows);
      this.counts.journalRows += before!.length;
      const place = `journal of minutes ${range.fromMinute} to ${range.toMinute}`;
      if (!this.list(place, before!, now!) || before!.length < journalPageRows) return;
      after = before!.at(-1)!;
    }
  }

  private async recount({ fromMinute, toMinute }: MinuteRange): Promise<void> {
    const { target } = this.options;
    const found = await target.recount(fromMinute, toMinute, differencesToldMax);
    this.counts.recountedRows += found.comparedRows;
    for (const { minute, adId, rawCount, minuteCount } of found.differences)
      this.tell(`minute ${minute} of ad ${adId}: counted again ${rawCount}, told ${minuteCount}`);
    this.counts.differing += found.differingRows - found.differences.length;
  }

  /** Whether they are equal; the first that differ are told. */
  private list(what: string, before: readonly unknown[], after: readonly unknown[]): boolean {
    const length = Math.max(before.length, after.length);
    for (let i = 0; i < length; i++) {
      if (isDeepStrictEqual(before[i], after[i])) continue;
      this.tell(`${what}: was ${shown(before[i])}, is ${shown(after[i])}`);
      return false;
    }
    return true;
  }

  private same(what: string, before: unknown, after: unknown): void {
    this.list(what, [before], [after]);
  }

  private tell(line: string): void {
    this.counts.differing++;
    if (this.told.length < differencesToldMax) this.told.push(line);
  }
}

function shown(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value).slice(0, 500);
}

function operationTold({ partition, ...operation }: RecordedOperation): unknown {
  return { ...operation, partition: toldPartition(partition) };
}

/** All that any configuration has known. */
function attributesOf({ configs }: RecoveredState): string[] {
  return [...new Set(configs.flatMap(({ adAttributes }) => adAttributes))].map(
    (name) => `ad.${name}`,
  );
}

function startsOf({ fromMinute, toMinute }: MinuteRange, step: number): number[] {
  return Array.from({ length: (toMinute - fromMinute) / step }, (_, i) => fromMinute + i * step);
}

function hoursOf(range: MinuteRange): MinuteRange[] {
  return startsOf(range, minutesAnHour).map((fromMinute) => ({
    fromMinute,
    toMinute: fromMinute + minutesAnHour,
  }));
}
