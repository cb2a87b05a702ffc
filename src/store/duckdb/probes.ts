/** Bulk look-ups: what is asked for goes into a temporary table and is joined with the days it may lie in. */

import { Turns } from "../../clock/turns.ts";
import { EventIdKind } from "../../model/click-batch.ts";
import type { DayReceipt } from "../../model/dropped-days.ts";
import { dayOfMinute, minuteMs, minuteOf, minutesADay } from "../../model/time.ts";
import type { ClickIdentity } from "../../model/log-record.ts";
import type { RecordedClick } from "../../model/recorded-click.ts";
import type { BucketState, IdentityProbes, RecordedClicksQuery } from "../click-store.ts";
import { TableAppenders } from "./append-columns.ts";
import type { Catalog } from "./catalog.ts";
import { transaction } from "./compact.ts";
import type { Connection } from "./connection.ts";
import { readNewestReceipts } from "./dropped-days.ts";
import { integer } from "./queries.ts";
import { readRecordedClicks, wantedColumns, wantedRows, wantedTable } from "./recorded-clicks.ts";
import { countsForDedup } from "./scan.ts";
import type { Column } from "./schema.ts";
import { createTable } from "./schema.ts";

const identityProbeColumns: readonly Column[] = [
  { name: "probe", type: "INTEGER" },
  { name: "minute", type: "INTEGER" },
  { name: "ad", type: "INTEGER" },
  { name: "event_id_kind", type: "UTINYINT" },
  { name: "event_id", type: "UHUGEINT" },
  { name: "event_id_text", type: "VARCHAR" },
];

const bucketProbeColumns: readonly Column[] = [
  { name: "probe", type: "INTEGER" },
  { name: "minute", type: "INTEGER" },
  { name: "ad", type: "INTEGER" },
];

export class Probes {
  private readonly connection: Connection;
  private readonly catalog: Catalog;
  private readonly appenders: TableAppenders;
  private readonly turns = new Turns();
  private hasTables = false;

  constructor(connection: Connection, catalog: Catalog) {
    this.connection = connection;
    this.catalog = catalog;
    this.appenders = new TableAppenders(connection.handle);
  }

  findIdentities(probes: IdentityProbes): Promise<Uint8Array> {
    return this.turns.take(async () => {
      const found = new Uint8Array(probes.rowCount);
      if (probes.rowCount === 0) return found;
      const times = probes.clickTimestamps.subarray(0, probes.rowCount);
      const minutes = Float64Array.from(times, minuteOf);
      await this.fill("identity_probe", (name) => this.appendIdentities(name, probes, minutes));
      const kinds = new Set(probes.eventIdKinds.subarray(0, probes.rowCount));
      const hasTexts = kinds.delete(EventIdKind.text);
      const rows = candidates(this.catalog, minutes);
      // 128-bit ids and texts are joined apart: each on what tells its rows apart.
      const joins = [
        ...(kinds.size > 0 ? [identityJoin(rows, "event_id", "<>")] : []),
        ...(hasTexts ? [identityJoin(rows, "event_id_text", "=")] : []),
      ];
      for (const sql of joins) {
        for (const [probe] of await this.connection.rows(sql)) found[probe as number] = 1;
      }
      return found;
    });
  }

  /** Those of these identities. */
  recordedClicks(
    query: RecordedClicksQuery,
    identities: readonly ClickIdentity[],
  ): Promise<RecordedClick[]> {
    return this.turns.take(async () => {
      await this.fill(wantedTable, (name) => this.appendWanted(name, identities));
      return await readRecordedClicks(this.connection, this.catalog, query);
    });
  }

  newestReceipts(partition: number, beforeDay: number): Promise<DayReceipt[]> {
    return this.turns.take(() =>
      readNewestReceipts(this.connection, this.catalog, partition, beforeDay),
    );
  }

  bucketStates(buckets: readonly { minute: number; adKey: number }[]): Promise<BucketState[]> {
    return this.turns.take(async () => {
      const states = buckets.map(() => ({ count: 0, revision: 0 }));
      if (buckets.length === 0) return states;
      await this.fill("bucket_probe", (name) =>
        this.appenders.append(name, bucketProbeColumns, (table) =>
          table.addRows(buckets.map(({ minute, adKey }, i) => [i, minute, adKey])),
        ),
      );
      const asked = new Set(buckets.map(({ minute }) => dayOfMinute(minute)));
      const days = [...asked].toSorted((one, other) => one - other);
      await transaction(this.connection, async () => {
        for (let first = 0; first < days.length; first += daysAtOnce) {
          const sql = countsOfDays(this.catalog, days.slice(first, first + daysAtOnce));
          for (const [probe, count] of await this.connection.rows(sql))
            states[probe as number]!.count = count as number;
        }
        for (const [probe, revision] of await this.connection.rows(revisionsOfBuckets))
          states[probe as number]!.revision = revision as number;
      });
      return states;
    });
  }

  private async fill(table: string, append: (table: string) => void): Promise<void> {
    if (!this.hasTables) {
      for (const [name, columns] of [
        ["identity_probe", identityProbeColumns],
        ["bucket_probe", bucketProbeColumns],
        [wantedTable, wantedColumns],
      ] as const) {
        await this.connection.run(createTable(name, columns).replace("CREATE", "CREATE TEMP"));
      }
      this.hasTables = true;
    }
    await this.connection.run(`TRUNCATE ${table}`);
    append(table);
  }

  private appendWanted(table: string, identities: readonly ClickIdentity[]): void {
    const wanted = wantedRows(identities);
    const words = Uint32Array.from(wanted.flatMap((row) => [...row.words]));
    this.appenders.append(table, wantedColumns, (appender) =>
      appender.add(wanted.length, undefined, ({ name }) => (buffer, at, rows, from, count) => {
        if (name === "event_id") buffer.setUint128(at, words, rows, from, count);
        else
          for (let i = 0; i < count; i++) {
            const { adId, kind, text } = wanted[from + i]!;
            if (name === "ad_id") buffer.setValue(at + i, adId);
            else if (name === "event_id_kind") buffer.setValue(at + i, kind);
            else buffer.setValue(at + i, text);
          }
      }),
    );
  }

  private appendIdentities(table: string, probes: IdentityProbes, minutes: Float64Array): void {
    const { adKeys, eventIdKinds, eventIdWords, eventIdTexts } = probes;
    this.appenders.append(table, identityProbeColumns, (appender) =>
      appender.add(probes.rowCount, undefined, ({ name }) => (buffer, at, rows, from, count) => {
        if (name === "ad") buffer.setInt32(at, adKeys, rows, from, count);
        else if (name === "event_id_kind") buffer.setBytes(at, eventIdKinds, rows, from, count);
        else if (name === "event_id") buffer.setUint128(at, eventIdWords, rows, from, count);
        else
          for (let i = 0; i < count; i++) {
            const row = from + i;
            if (name === "probe") buffer.setValue(at + i, row);
            else if (name === "minute") buffer.setValue(at + i, minutes[row]!);
            else buffer.setValue(at + i, eventIdTexts[row] ?? null);
          }
      }),
    );
  }
}

/** The clicks of the minutes that are asked for, and of those between two of the same day. */
function candidates(catalog: Catalog, minutes: Float64Array): string {
  const byDay = new Map<number, { from: number; to: number }>();
  for (const minute of minutes) {
    const day = dayOfMinute(minute);
    const range = byDay.get(day);
    if (!range) byDay.set(day, { from: minute, to: minute + 1 });
    else if (minute < range.from) range.from = minute;
    else if (minute >= range.to) range.to = minute + 1;
  }
  const select = (name: string, from: number, to: number) =>
    `SELECT ad, event_id_kind, event_id, event_id_text, click_timestamp // ${minuteMs} AS minute FROM ${name}
     WHERE click_timestamp >= ${from * minuteMs} AND click_timestamp < ${to * minuteMs} AND ${countsForDedup}`;
  const { from, to } = rangeOf(minutes);
  return [
    ...catalog.scattered().map(({ name }) => select(name, from, to)),
    ...[...byDay].flatMap(([day, range]) =>
      catalog.rawOfDays(day, day).map(({ name }) => select(name, range.from, range.to)),
    ),
  ].join(" UNION ALL ");
}

function identityJoin(rows: string, id: string, kind: string): string {
  return `SELECT p.probe FROM identity_probe p JOIN (${rows}) r
    ON r.ad = p.ad AND r.${id} = p.${id} AND r.event_id_kind = p.event_id_kind AND r.minute = p.minute
    WHERE p.event_id_kind ${kind} ${EventIdKind.text} AND r.event_id_kind ${kind} ${EventIdKind.text}`;
}

/** Tables that are joined at once are held in memory at once. */
const daysAtOnce = 16;

/** Of the probes from the first of these days to the last. */
function countsOfDays(catalog: Catalog, days: readonly number[]): string {
  const range = [days[0]! * minutesADay, (days.at(-1)! + 1) * minutesADay].map(integer);
  const tables = new Set(days.flatMap((day) => catalog.minutes(day, day)).map(({ name }) => name));
  const rows = [...tables].map(
    (name) =>
      `SELECT minute, ad, clicks FROM ${name} WHERE minute >= ${range[0]} AND minute < ${range[1]}`,
  );
  return `SELECT p.probe, SUM(m.clicks)::BIGINT FROM bucket_probe p
    JOIN (${rows.join(" UNION ALL ")}) m ON m.minute = p.minute AND m.ad = p.ad GROUP BY p.probe`;
}

const revisionsOfBuckets = `SELECT p.probe, count(*) FROM bucket_probe p
  JOIN restatement r ON r.minute = p.minute AND r.ad = p.ad GROUP BY p.probe`;

/** From the lowest up to, not including, one above the highest. */
function rangeOf(numbers: Float64Array): { from: number; to: number } {
  let from = Infinity;
  let to = -Infinity;
  for (const number of numbers) {
    if (number < from) from = number;
    if (number >= to) to = number + 1;
  }
  return { from, to };
}
