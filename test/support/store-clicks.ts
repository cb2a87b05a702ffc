/**
 * Commits for tests of stores, made from plain clicks that carry their outcome. The class also remembers what it gave
 * out, so that a test can compute in its own words what a store must answer.
 */
import { ClickBatchBuilder } from "../../src/model/click-batch-builder.ts";
import type { Commit, DecidedClicks, MinuteDeltas, Restatement } from "../../src/model/commit.ts";
import type { DimensionLayout } from "../../src/model/dimensions.ts";
import type { AdAttributesChange } from "../../src/model/log-record.ts";
import type { OutcomeName } from "../../src/model/outcome.ts";
import { Outcome, outcomeNames } from "../../src/model/outcome.ts";
import type { SemanticConfig } from "../../src/model/semantic-config.ts";
import { minuteOf } from "../../src/model/time.ts";

export interface DecidedClick {
  readonly ad_id: string;
  readonly event_id: string;
  readonly click_timestamp: number;
  readonly dimensions?: Readonly<Record<string, string>>;
  /** Default `counted`. */
  readonly outcome?: OutcomeName;
}

export interface CommitParts {
  readonly outcomeChanges?: Commit["outcomeChanges"];
  readonly closes?: Commit["closes"];
  readonly layoutChanges?: Commit["layoutChanges"];
  readonly operations?: Commit["operations"];
  readonly droppedDays?: Commit["droppedDays"];
  readonly erasures?: Commit["erasures"];
  /** The records of the log; default: one with all clicks. */
  readonly records?: readonly (readonly DecidedClick[])[];
  readonly clicks?: readonly DecidedClick[];
  readonly layout?: DimensionLayout;
  readonly source?: string;
  readonly receivedAtMs?: number;
  readonly partition?: number;
  readonly watermarkMs?: number;
  readonly adAttributes?: readonly AdAttributesChange[];
  readonly configs?: readonly SemanticConfig[];
  readonly restatements?: readonly (Omit<Restatement, "adKey" | "partition" | "offset"> & {
    readonly adId: string;
  })[];
  /** Instead of those that follow from the clicks. */
  readonly minutes?: MinuteDeltas;
}

export const storeLayout: DimensionLayout = [
  { name: "country", in: "minute", type: "country" },
  { name: "device", in: "minute", type: "string" },
  { name: "user_id", in: "raw", type: "string" },
  { name: "ip", in: "raw", type: "ip" },
];

export class CommitMaker {
  /** All clicks so far. */
  readonly clicks: DecidedClick[] = [];
  private sequence = 0;
  private readonly nextOffsets = new Map<number, number>();
  private readonly keys = new Map<string, Map<string, number>>();

  /** Goes on from what a store says it holds, for a store that outlived its process. */
  resume(
    sequence: number,
    nextOffset: number,
    dictionaries: ReadonlyMap<string, readonly string[]>,
  ): void {
    this.sequence = sequence;
    this.nextOffsets.set(0, nextOffset);
    for (const [name, values] of dictionaries) {
      this.keys.set(name, new Map(values.map((value, i) => [value, i + 1])));
    }
  }

  /** For a store that has numbered what it was given anew. */
  numberFrom(sequence: number): void {
    this.sequence = sequence;
  }

  /** Where the partition's log goes on. */
  goOn(partition: number, nextOffset: number): void {
    this.nextOffsets.set(partition, nextOffset);
  }

  keyOf(dictionary: string, value: string): number {
    const keys = this.keysOf(dictionary);
    const known = keys.get(value);
    if (known !== undefined) return known;
    keys.set(value, keys.size + 1);
    return keys.size;
  }

  next(parts: CommitParts): Commit {
    const sizes = new Map([...this.keys].map(([name, keys]) => [name, keys.size]));
    const partition = parts.partition ?? 0;
    const receivedAtMs = parts.receivedAtMs ?? 1_000_000;
    const source = parts.source ?? "test";
    const layout = parts.layout ?? storeLayout;
    const records = parts.records ?? (parts.clicks ? [parts.clicks] : []);
    const clicks = records.map((rows) => {
      for (const row of rows) this.clicks.push(row);
      const offset = this.takeOffset(partition);
      return { ...this.decided(rows, layout), partition, offset, receivedAtMs, source };
    });
    const minutes = parts.minutes ?? this.minutes(records.flat(), layout);
    const restatements = (parts.restatements ?? []).map(({ adId, ...rest }) =>
      Object.assign(rest, {
        adKey: this.keyOf("ad_id", adId),
        partition,
        offset: (this.nextOffsets.get(partition) ?? 1) - 1,
      }),
    );
    const outcomes = countOutcomes(records.flat());
    return {
      sequence: ++this.sequence,
      committedAtMs: receivedAtMs,
      dictionaries: [...this.keys].flatMap(([dictionary, keys]) => {
        const before = sizes.get(dictionary) ?? 0;
        const values = [...keys.keys()].slice(before);
        return values.length === 0 ? [] : [{ dictionary, firstKey: before + 1, values }];
      }),
      clicks,
      duplicateConflicts: 0,
      minutes,
      ledger:
        records.length === 0
          ? []
          : [
              {
                source,
                receivedMinute: minuteOf(receivedAtMs),
                received: records.flat().length,
                outcomes,
              },
            ],
      restatements,
      adAttributes: parts.adAttributes ?? [],
      outcomeChanges: parts.outcomeChanges ?? [],
      closes: parts.closes ?? [],
      layoutChanges: parts.layoutChanges ?? [],
      operations: parts.operations ?? [],
      droppedDays: parts.droppedDays ?? [],
      erasures: parts.erasures ?? [],
      configs: parts.configs ?? [],
      progress: {
        partition,
        nextOffset: this.nextOffsets.get(partition) ?? 0,
        watermarkMs: parts.watermarkMs ?? -Infinity,
      },
    };
  }

  private decided(
    rows: readonly DecidedClick[],
    layout: DimensionLayout,
  ): Pick<DecidedClicks, "batch" | "adKeys" | "dimensionKeys" | "outcomes"> {
    const builder = new ClickBatchBuilder(layout);
    for (const row of rows) builder.add({ dimensions: {}, ...row });
    return {
      batch: builder.build(),
      adKeys: Int32Array.from(rows, (row) => this.keyOf("ad_id", row.ad_id)),
      dimensionKeys: new Map(
        minuteNames(layout).map((name) => [
          name,
          Int32Array.from(rows, (row) => this.dimensionKey(name, row)),
        ]),
      ),
      outcomes: Uint8Array.from(rows, (row) => Outcome[row.outcome ?? "counted"]),
    };
  }

  private minutes(rows: readonly DecidedClick[], layout: DimensionLayout): MinuteDeltas {
    const names = minuteNames(layout);
    const counted = rows.filter((row) => isCountedName(row.outcome));
    return {
      rowCount: counted.length,
      minutes: Int32Array.from(counted, (row) => minuteOf(row.click_timestamp)),
      adKeys: Int32Array.from(counted, (row) => this.keyOf("ad_id", row.ad_id)),
      dimensionKeys: new Map(
        names.map((name) => [
          name,
          Int32Array.from(counted, (row) => this.dimensionKey(name, row)),
        ]),
      ),
      counts: new Int32Array(counted.length).fill(1),
      restated: Uint8Array.from(counted, (row) => (row.outcome === "restated" ? 1 : 0)),
    };
  }

  private dimensionKey(name: string, row: DecidedClick): number {
    const value = row.dimensions?.[name];
    return value === undefined ? 0 : this.keyOf(name, value);
  }

  private keysOf(dictionary: string): Map<string, number> {
    let keys = this.keys.get(dictionary);
    if (!keys) this.keys.set(dictionary, (keys = new Map()));
    return keys;
  }

  private takeOffset(partition: number): number {
    const offset = this.nextOffsets.get(partition) ?? 0;
    this.nextOffsets.set(partition, offset + 1);
    return offset;
  }
}

export function isCountedName(outcome: OutcomeName | undefined): boolean {
  return outcome === undefined || outcome === "counted" || outcome === "restated";
}

function countOutcomes(rows: readonly DecidedClick[]): Partial<Record<OutcomeName, number>> {
  const counts: Partial<Record<OutcomeName, number>> = {};
  for (const { outcome = "counted" } of rows) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

/** Every outcome, 0 where it is not given. */
export function outcomeCounts(
  counts: Partial<Record<OutcomeName, number>>,
): Record<OutcomeName, number> {
  return Object.fromEntries(outcomeNames.map((name) => [name, counts[name] ?? 0])) as Record<
    OutcomeName,
    number
  >;
}

function minuteNames(layout: DimensionLayout): string[] {
  return layout.filter((dimension) => dimension.in === "minute").map((dimension) => dimension.name);
}
