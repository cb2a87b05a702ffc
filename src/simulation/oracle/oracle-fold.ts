/**
 * The naive oracle's first half: what became of every click of a partition's log, its ledger and its journal, in the
 * plainest way. It shares nothing with the service but the model; where the two differ, one of them is wrong.
 */
import type { RestatementReason } from "../../model/commit.ts";
import type {
  AdAttributesChange,
  ControlRecord,
  EraseControl,
  LogRecord,
  RejectsRecord,
} from "../../model/log-record.ts";
import { outcomeNames, type OutcomeName } from "../../model/outcome.ts";
import type { SemanticConfig } from "../../model/semantic-config.ts";
import { dayOfMinute } from "../../model/time.ts";
import { rowsOf, type LogRow } from "./log-rows.ts";

/** `decided`: the outcome when it came, before any correction. */
export type OracleClick = LogRow & {
  readonly outcome: OutcomeName;
  readonly decided: OutcomeName;
  /** Whether it was ever another than decided. */
  readonly isCorrected?: true;
};
/** By the record at `offset` clicks of the records before it have lost a field that had one of these values. */
export type OracleErasure = Pick<EraseControl, "id" | "field" | "values"> & {
  readonly offset: number;
};
export type OracleLedgerRow = { received: number } & Record<OutcomeName, number>;
export type OracleRestatement = {
  readonly offset: number;
  readonly minute: number;
  readonly adId: string;
  readonly reason: RestatementReason;
  readonly before: number;
  after: number;
  readonly revision: number;
};

type BucketOfRecord = Pick<LogRow, "adId" | "minute" | "offset">;

const noClicks = Object.fromEntries(["received", ...outcomeNames].map((name) => [name, 0]));
const minuteOf = (time: number): number => Math.floor(time / 60_000);

/** In the counts. */
export function isCounted(outcome: OutcomeName): boolean {
  return outcome === "counted" || outcome === "restated";
}

export class OracleFold {
  watermarkMs = -Infinity;
  readonly clicks: OracleClick[] = [];
  readonly journal: OracleRestatement[] = [];
  /** By `source|minute of receipt`. */
  readonly ledger = new Map<string, OracleLedgerRow>();
  protected readonly configs: SemanticConfig[];
  private nextOffset = 0;
  protected readonly attributeChanges: AdAttributesChange[] = [];
  protected readonly recordedMinutes = new Map<string, number[]>();
  closedThrough = -Infinity;
  /** Day of the newest receipt by day whose clicks are kept no more; see oracle-retention.ts. */
  readonly droppedRaw = new Map<number, number>();
  /** Duplicates of which no original has their minute. */
  duplicateConflicts = 0;
  /** By `ad|minute`; `wasKnown`: before the record at `offset` there were clicks in it, or a revision. */
  private readonly buckets = new Map<
    string,
    { count: number; revision: number; offset: number; wasKnown: boolean }
  >();

  constructor(config: SemanticConfig) {
    this.configs = [config];
  }

  apply(record: LogRecord): void {
    const offset = this.nextOffset++;
    const { kind, receivedAtMs } = record;
    if (kind === "tick") this.seeTime(receivedAtMs - this.configOf(receivedAtMs).idleLagMs);
    else if (kind === "clicks") for (const row of rowsOf(record, offset)) this.applyRow(row);
    else if (kind === "rejects") {
      for (const n of Object.values(record.counts)) this.enter(record, "invalid", n);
    } else this.applyControl(record, offset);
  }

  protected applyControl({ control, receivedAtMs }: ControlRecord, _offset: number): void {
    if (control.type === "ad_attributes") this.attributeChanges.push(...control.changes);
    if (control.type !== "config") return;
    const { config } = control;
    if (this.configs.at(-1)!.generation < config.generation) this.configs.push(config);
    if (this.watermarkMs === -Infinity) this.seeTime(receivedAtMs - config.idleLagMs);
  }

  /** The configuration in force at this time. */
  private configOf(timeMs: number): SemanticConfig {
    return this.configs.findLast(({ fromMinute }, i) => i === 0 || timeMs >= fromMinute * 60_000)!;
  }

  private seeTime(timeMs: number): void {
    this.watermarkMs = Math.max(this.watermarkMs, timeMs);
  }

  private applyRow(row: LogRow): void {
    const { outOfOrdernessMs } = this.configOf(row.receivedAtMs);
    if (!row.history) this.seeTime(Math.min(row.time, row.receivedAtMs) - outOfOrdernessMs);
    const outcome = this.judge(row, this.bucketOf(row).wasKnown);
    this.clicks.push({ ...row, outcome, decided: outcome });
    this.enter(row, outcome, 1);
    const isOfAnotherMinute = !this.recordedMinutes.get(row.identity)?.includes(row.minute);
    if (outcome === "duplicate" && isOfAnotherMinute) this.duplicateConflicts++;
    if (outcome === "expired" || outcome === "duplicate") return;
    this.recordedMinutes.set(row.identity, [
      ...(this.recordedMinutes.get(row.identity) ?? []),
      row.minute,
    ]);
    if (outcome === "counted") this.bucketOf(row).count++;
    if (outcome === "restated") this.restate(row, row.history ? "import" : "late", 1);
  }

  private bucketOf({ adId, minute, offset }: BucketOfRecord): {
    count: number;
    revision: number;
    wasKnown: boolean;
  } {
    const key = `${adId}|${minute}`;
    const { count, revision, ...before } = this.buckets.get(key) ?? { count: 0, revision: 0 };
    if ("offset" in before && before.offset === offset) return this.buckets.get(key)!;
    const bucket = { count, revision, offset, wasKnown: count > 0 || revision > 0 };
    this.buckets.set(key, bucket);
    return bucket;
  }

  /** A record's changes of a final bucket are one entry. */
  protected restate(place: BucketOfRecord, reason: RestatementReason, change: number): void {
    const { offset, minute, adId } = place;
    const bucket = this.bucketOf(place);
    const entry = this.journal.find(
      (e) => e.offset === offset && e.adId === adId && e.minute === minute,
    );
    if (!entry) {
      const { count: before } = bucket;
      const revision = ++bucket.revision;
      this.journal.push({ offset, minute, adId, reason, before, after: before + change, revision });
    } else entry.after += change;
    bucket.count += change;
  }

  /** A change of a bucket that nobody was told of as final. */
  protected recount(place: BucketOfRecord, change: number): void {
    this.bucketOf(place).count += change;
  }

  private judge(row: LogRow, wasKnown: boolean): OutcomeName {
    const { dedupHorizonMs } = this.configOf(row.receivedAtMs);
    if (!row.history && row.time < this.watermarkMs - dedupHorizonMs) return "expired";
    if (this.droppedRaw.has(dayOfMinute(row.minute))) return "expired";
    const firstRecentMinute = this.firstRecentMinute();
    const minutes = this.recordedMinutes.get(row.identity) ?? [];
    if (minutes.some((minute) => minute === row.minute || minute >= firstRecentMinute))
      return "duplicate";
    if (!this.isFinal(row.minute)) return "counted";
    if (row.history) return wasKnown || row.minute < this.closedThrough ? "restated" : "counted";
    return this.configOf(row.time).late === "restate" ? "restated" : "quarantined";
  }

  /** Each configuration so far has moved it on, up to the end of its time; it never goes back. */
  protected firstRecentMinute(): number {
    const inForce = this.configs.indexOf(this.configOf(this.watermarkMs));
    const minutes = this.configs.slice(0, inForce + 1).map(({ dedupRecentMs }, i) => {
      const untilMs = i < inForce ? this.configs[i + 1]!.fromMinute * 60_000 : this.watermarkMs;
      return minuteOf(untilMs - dedupRecentMs);
    });
    return Math.max(...minutes);
  }

  /** Moves a click from one outcome to another in the minute in which it was received. */
  protected move(click: OracleClick, after: OutcomeName): void {
    this.enter(click, click.outcome, -1);
    this.enter(click, after, 1);
  }

  private enter(receipt: LogRow | RejectsRecord, outcome: OutcomeName, n: number): void {
    const key = `${receipt.source}|${Math.floor(receipt.receivedAtMs / 60_000)}`;
    const row = this.ledger.get(key) ?? (noClicks as OracleLedgerRow);
    this.ledger.set(key, { ...row, received: row.received + n, [outcome]: row[outcome] + n });
  }

  /** Once it and all minutes before it have waited out the lateness of the configuration that holds for them. */
  isFinal(minute: number): boolean {
    return this.configs.every(({ fromMinute, allowedLatenessMs }, i) => {
      const end = Math.min(minute + 1, this.configs[i + 1]?.fromMinute ?? Infinity);
      return (i > 0 && end <= fromMinute) || this.watermarkMs >= end * 60_000 + allowedLatenessMs;
    });
  }
}
