/**
 * The naive oracle: every number computed from the log of one partition in the plainest way. It shares nothing with
 * the service but the model; where the two differ, one of them is wrong.
 */
import type { Filter } from "../../src/model/filter.ts";
import type { AdAttributesChange, LogRecord, RejectsRecord } from "../../src/model/log-record.ts";
import { outcomeNames, type OutcomeName } from "../../src/model/outcome.ts";
import type { SemanticConfig } from "../../src/model/semantic-config.ts";
import { canonicalIp, rowsOf, type LogRow } from "./log-rows.ts";

export type OracleClick = LogRow & { readonly outcome: OutcomeName };
export type OracleLedgerRow = { received: number } & Record<OutcomeName, number>;
/** With the first click that the record restated; its reason is an import where that is history, else lateness. */
export type OracleRestatement = LogRow & { before: number; after: number; revision: number };
export type OracleGroup = { bucketStart: number; group: (string | null)[]; count: number };
/** `[fromMinute, toMinute)` in epoch minutes. */
export type OracleQuery = { fromMinute: number; toMinute: number; filter?: Filter; adId?: string };

const noClicks = Object.fromEntries(["received", ...outcomeNames].map((name) => [name, 0]));
const hourOf = (time: number): number => Math.floor(time / 3_600_000);

export class Oracle {
  watermarkMs = -Infinity;
  readonly clicks: OracleClick[] = [];
  readonly journal: OracleRestatement[] = [];
  /** By `source|minute of receipt`. */
  readonly ledger = new Map<string, OracleLedgerRow>();
  private readonly configs: SemanticConfig[];
  private nextOffset = 0;
  private readonly attributeChanges: AdAttributesChange[] = [];
  private readonly recordedHours = new Map<string, number[]>();
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
    this.recordedHours.set(row.identity, [
      ...(this.recordedHours.get(row.identity) ?? []),
      hourOf(row.time),
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
    const { dedupHorizonMs, dedupRecentMs } = this.configOf(row.receivedAtMs);
    if (!row.history && row.time < this.watermarkMs - dedupHorizonMs) return "expired";
    const firstRecentHour = hourOf(this.watermarkMs - dedupRecentMs);
    const hours = this.recordedHours.get(row.identity) ?? [];
    if (hours.some((hour) => hour === hourOf(row.time) || hour >= firstRecentHour))
      return "duplicate";
    if (!this.isFinal(row.minute)) return "counted";
    if (row.history) return countedBeforeRecord ? "restated" : "counted";
    return this.configOf(row.time).late === "restate" ? "restated" : "quarantined";
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

  count(query: OracleQuery): number {
    return this.breakdown(query, [])[0]?.count ?? 0;
  }

  top(n: number, query: OracleQuery): OracleGroup[] {
    const ads = this.breakdown(query, ["ad_id"]);
    return ads.toSorted((a, b) => b.count - a.count).slice(0, n);
  }

  /** By bucket (`bucketStarts` ascending, the first = fromMinute) and group, in the order of both, null first. */
  breakdown(
    query: OracleQuery,
    by: readonly string[],
    bucketStarts = [query.fromMinute],
  ): OracleGroup[] {
    const groups = new Map<string, OracleGroup>();
    for (const click of this.clicks) {
      if (click.outcome !== "counted" && click.outcome !== "restated") continue;
      if (click.minute < query.fromMinute || click.minute >= query.toMinute) continue;
      if (click.adId !== (query.adId ?? click.adId)) continue;
      if (query.filter && !this.matches(query.filter, click)) continue;
      const bucketStart = bucketStarts.findLast((start) => start <= click.minute)!;
      const group = by.map((field) => this.valueOf(click, field) ?? null);
      const key = `${bucketStart + 1e9}${group.map((value) => (value === null ? "\0" : `\0+${value}`)).join("")}`;
      groups.set(key, { bucketStart, group, count: 1 + (groups.get(key)?.count ?? 0) });
    }
    const keys = [...groups.keys()].toSorted((a, b) =>
      Buffer.compare(Buffer.from(a), Buffer.from(b)),
    );
    return keys.map((key) => groups.get(key)!);
  }

  private matches(filter: Filter, click: OracleClick): boolean {
    if (filter.kind === "and")
      return filter.operands.every((operand) => this.matches(operand, click));
    if (filter.kind === "or")
      return filter.operands.some((operand) => this.matches(operand, click));
    const value = this.valueOf(click, filter.field);
    if (filter.operator === "=null=")
      return (value === undefined) === (filter.values[0] === "true");
    const type = this.configs[0]!.dimensions.find(
      (dimension) => dimension.name === filter.field,
    )?.type;
    const listed = filter.values.some(
      (asked) => (type === "ip" ? canonicalIp(asked) : asked) === value,
    );
    return filter.operator === "==" || filter.operator === "=in=" ? listed : !listed;
  }

  /** Of the changes that hold at the click's minute, the one with the last valid_from, then the last in the log. */
  private valueOf({ adId, minute, dimensions }: OracleClick, field: string): string | undefined {
    if (!field.startsWith("ad.")) return field === "ad_id" ? adId : dimensions[field];
    const name = field.slice("ad.".length);
    const changes = this.attributeChanges.filter(
      (c) => c.ad_id === adId && c.valid_from_minute <= minute,
    );
    const inOrder = changes.toSorted((a, b) => a.valid_from_minute - b.valid_from_minute);
    return inOrder.findLast((change) => name in change.attributes)?.attributes[name] ?? undefined;
  }
}
