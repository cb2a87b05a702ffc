/** Bulk look-ups: what is asked for goes into a temporary table and is joined with the days it may lie in. */

import { EventIdKind } from "../../model/click-batch.ts";
import { dayMs, hourMs, hourOf, minutesADay } from "../../model/time.ts";
import type { BucketState, IdentityProbes } from "../click-store.ts";
import { TableAppenders } from "./append-columns.ts";
import type { Catalog } from "./catalog.ts";
import type { Connection } from "./connection.ts";
import { Mutex } from "./mutex.ts";
import { countsForDedup } from "./scan.ts";
import type { Column } from "./schema.ts";
import { createTable, minutesTable } from "./schema.ts";

const identityProbeColumns: readonly Column[] = [
  { name: "probe", type: "INTEGER" },
  { name: "hour", type: "INTEGER" },
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
  private readonly mutex = new Mutex();
  private hasTables = false;

  constructor(connection: Connection, catalog: Catalog) {
    this.connection = connection;
    this.catalog = catalog;
    this.appenders = new TableAppenders(connection.handle);
  }

  findIdentities(probes: IdentityProbes): Promise<Uint8Array> {
    return this.mutex.run(async () => {
      const found = new Uint8Array(probes.rowCount);
      const hours = Float64Array.from(probes.clickTimestamps.subarray(0, probes.rowCount), hourOf);
      const days = this.daysOf(hours, hourMs / dayMs);
      if (days.length === 0) return found;
      await this.fill("identity_probe", (name) => this.appendIdentities(name, probes, hours));
      const hasTexts = probes.eventIdKinds.includes(EventIdKind.text);
      for (const day of days) {
        const { from, to } = hoursWithin(hours, day);
        for (const { name } of this.catalog.raw(day)) {
          for (const sql of identityJoins(name, from, to, hasTexts)) {
            for (const [probe] of await this.connection.rows(sql)) found[probe as number] = 1;
          }
        }
      }
      return found;
    });
  }

  bucketStates(buckets: readonly { minute: number; adKey: number }[]): Promise<BucketState[]> {
    return this.mutex.run(async () => {
      const states = buckets.map(() => ({ count: 0, revision: 0 }));
      if (buckets.length === 0) return states;
      await this.fill("bucket_probe", (name) =>
        this.appenders.append(name, bucketProbeColumns, (table) =>
          table.addRows(buckets.map(({ minute, adKey }, i) => [i, minute, adKey])),
        ),
      );
      const minutes = Float64Array.from(buckets, ({ minute }) => minute);
      const days = this.daysOf(minutes, 1 / minutesADay);
      for (const [probe, count, revision] of await this.connection.rows(
        bucketJoin(this.catalog, days, minutes),
      )) {
        states[probe as number] = { count: count as number, revision: revision as number };
      }
      return states;
    });
  }

  /** Days with tables among those of `times`, which come in units of `unit` days. */
  private daysOf(times: Float64Array, unit: number): number[] {
    const days = new Set<number>();
    for (const time of times) days.add(Math.floor(time * unit));
    return this.catalog.days.filter((day) => days.has(day));
  }

  private async fill(table: string, append: (table: string) => void): Promise<void> {
    if (!this.hasTables) {
      for (const [name, columns] of [
        ["identity_probe", identityProbeColumns],
        ["bucket_probe", bucketProbeColumns],
      ] as const) {
        await this.connection.run(createTable(name, columns).replace("CREATE", "CREATE TEMP"));
      }
      this.hasTables = true;
    }
    await this.connection.run(`TRUNCATE ${table}`);
    append(table);
  }

  private appendIdentities(table: string, probes: IdentityProbes, hours: Float64Array): void {
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
            else if (name === "hour") buffer.setValue(at + i, hours[row]!);
            else buffer.setValue(at + i, eventIdTexts[row] ?? null);
          }
      }),
    );
  }
}

function hoursWithin(hours: Float64Array, day: number): { from: number; to: number } {
  let from = Infinity;
  let to = -Infinity;
  for (const hour of hours) {
    if (Math.floor(hour / 24) !== day) continue;
    if (hour < from) from = hour;
    if (hour > to) to = hour;
  }
  return { from, to: to + 1 };
}

/** 128-bit ids and texts are joined apart: each on what tells its rows apart. */
function identityJoins(table: string, from: number, to: number, hasTexts: boolean): string[] {
  const join = (id: string, kind: string) =>
    `SELECT p.probe FROM identity_probe p JOIN ${table} r
       ON r.ad = p.ad AND r.${id} = p.${id} AND r.event_id_kind = p.event_id_kind
      AND r.click_timestamp // ${hourMs} = p.hour
     WHERE r.click_timestamp >= ${from * hourMs} AND r.click_timestamp < ${to * hourMs}
       AND p.event_id_kind ${kind} ${EventIdKind.text} AND r.${countsForDedup}`;
  const ids = join("event_id", "<>");
  return hasTexts ? [ids, join("event_id_text", "=")] : [ids];
}

function bucketJoin(catalog: Catalog, days: readonly number[], minutes: Float64Array): string {
  const from = minutes.reduce((a, b) => Math.min(a, b));
  const to = minutes.reduce((a, b) => Math.max(a, b)) + 1;
  const tables = [...days.map(minutesTable), ...catalog.deltas().map(({ name }) => name)];
  const rows = tables
    .map(
      (name) => `SELECT minute, ad, clicks FROM ${name} WHERE minute >= ${from} AND minute < ${to}`,
    )
    .join(" UNION ALL ");
  return `WITH counts AS (
      SELECT p.probe, SUM(m.clicks)::BIGINT AS n FROM bucket_probe p
      JOIN (${rows}) m ON m.minute = p.minute AND m.ad = p.ad GROUP BY p.probe
    ), revisions AS (
      SELECT p.probe, max(r.revision) AS revision FROM bucket_probe p
      JOIN restatement r ON r.minute = p.minute AND r.ad = p.ad GROUP BY p.probe
    )
    SELECT coalesce(c.probe, r.probe), coalesce(c.n, 0)::BIGINT, coalesce(r.revision, 0)::INTEGER
    FROM counts c FULL JOIN revisions r ON r.probe = c.probe`;
}
