/**
 * The naive oracle's first half: what became of every click of a partition's log, its ledger and its journal, in the
 * plainest way. It shares nothing with the service but the model; where the two differ, one of them is wrong.
 */
import type { AdAttributesChange, LogRecord, RejectsRecord } from "../../model/log-record.ts";
import { outcomeNames, type OutcomeName } from "../../model/outcome.ts";
import type { SemanticConfig } from "../../model/semantic-config.ts";
import { rowsOf, type LogRow } from "./log-rows.ts";

export type OracleClick = LogRow & { readonly outcome: OutcomeName };
export type OracleLedgerRow = { received: number } & Record<OutcomeName, number>;
/** With the first click that the record restated; its reason is an import where that is history, else lateness. */
export type OracleRestatement = LogRow & { before: number; after: number; revision: number };

const noClicks = Object.fromEntries(["received", ...outcomeNames].map((name) => [name, 0]));
const minuteOf = (time: number): number => Math.floor(time / 60_000);

export class OracleFold {
  watermarkMs = -Infinity;
  readonly clicks: OracleClick[] = [];
  readonly journal: OracleRestatement[] = [];
  /** By `source|minute of receipt`. */
  readonly ledger = new Map<string, OracleLedgerRow>();
  protected readonly configs: SemanticConfig[];
  private nextOffset = 0;
  protected readonly attributeChanges: AdAttributesChange[] = [];
  private readonly recordedMinutes = new Map<string, number[]>();
  /** By `ad|minute`; firstOffset is the record that counted a click of it first. */
  private readonly buckets = new Map<
    string,
    { count: number; revision: number; firstOffset: number }
  >();

  constructor(config: SemanticConfig, records: readonly LogRecord[] = []) {
    this.configs = [config];
    for (const record of records) this.apply(record);
  }

  apply(record: LogRecord): void {
    const offset = this.nextOffset++;
    const { kind, receivedAtMs } = record;
    if (kind === "tick") this.seeTime(receivedAtMs - this.configOf(receivedAtMs).idleLagMs);
    else if (kind === "clicks") for (const row of rowsOf(record, offset)) this.applyRow(row);
    else if (kind === "rejects") {
      for (const n of Object.values(record.counts)) this.enter(record, "invalid", n);
    } else if (record.control.type === "ad_attributes")
      this.attributeChanges.push(...record.control.changes);
    else {
      const { config } = record.control;
      if (this.configs.at(-1)!.generation < config.generation) this.configs.push(config);
      if (this.watermarkMs === -Infinity) this.seeTime(receivedAtMs - config.idleLagMs);
    }
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
    const key = `${row.adId}|${row.minute}`;
    const bucket = this.buckets.get(key) ?? { count: 0, revision: 0, firstOffset: row.offset };
    const outcome = this.judge(row, bucket.firstOffset < row.offset);
    this.clicks.push({ ...row, outcome });
    this.enter(row, outcome, 1);
    if (outcome === "expired" || outcome === "duplicate") return;
    this.recordedMinutes.set(row.identity, [
      ...(this.recordedMinutes.get(row.identity) ?? []),
      row.minute,
    ]);
    if (outcome === "quarantined") return;
    this.buckets.set(key, bucket);
    const count = ++bucket.count;
    if (outcome === "counted") return;
    const entry = this.journal.find(
      (e) => e.offset === row.offset && `${e.adId}|${e.minute}` === key,
    );
    if (entry) entry.after++;
    else
      this.journal.push({ ...row, before: count - 1, after: count, revision: ++bucket.revision });
  }

  private judge(row: LogRow, countedBeforeRecord: boolean): OutcomeName {
    const { dedupHorizonMs } = this.configOf(row.receivedAtMs);
    if (!row.history && row.time < this.watermarkMs - dedupHorizonMs) return "expired";
    const firstRecentMinute = this.firstRecentMinute();
    const minutes = this.recordedMinutes.get(row.identity) ?? [];
    if (minutes.some((minute) => minute === row.minute || minute >= firstRecentMinute))
      return "duplicate";
    if (!this.isFinal(row.minute)) return "counted";
    if (row.history) return countedBeforeRecord ? "restated" : "counted";
    return this.configOf(row.time).late === "restate" ? "restated" : "quarantined";
  }

  /** Each configuration so far has moved it on, up to the end of its time; it never goes back. */
  private firstRecentMinute(): number {
    const inForce = this.configs.indexOf(this.configOf(this.watermarkMs));
    const minutes = this.configs.slice(0, inForce + 1).map(({ dedupRecentMs }, i) => {
      const untilMs = i < inForce ? this.configs[i + 1]!.fromMinute * 60_000 : this.watermarkMs;
      return minuteOf(untilMs - dedupRecentMs);
    });
    return Math.max(...minutes);
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
