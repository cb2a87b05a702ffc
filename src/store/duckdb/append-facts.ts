/** What a commit has beside clicks and counts: few rows, of objects. */

import type { Commit } from "../../model/commit.ts";
import type { TableAppenders } from "./append-columns.ts";
import { fixedTables } from "./schema.ts";

export function appendFacts(appenders: TableAppenders, commit: Commit): void {
  const { sequence, committedAtMs, progress } = commit;
  appendFixed(
    appenders,
    "restatement",
    commit.restatements.map((r) => [
      r.minute,
      r.adKey,
      r.before,
      r.after,
      r.revision,
      r.reason,
      r.partition,
      r.offset,
      r.receivedAtMs,
      sequence,
    ]),
  );
  appendFixed(
    appenders,
    "ad_attribute",
    commit.adAttributes.flatMap(({ ad_id, attributes, valid_from_minute }, ordinal) =>
      Object.entries(attributes).map(([name, value]) => [
        ad_id,
        name,
        value,
        valid_from_minute,
        sequence,
        ordinal,
      ]),
    ),
  );
  appendFixed(
    appenders,
    "closed_period",
    commit.closes.map(({ id, throughMinute, tz, partition, receivedAtMs }) => [
      id,
      throughMinute,
      tz,
      partition,
      receivedAtMs,
      sequence,
    ]),
  );
  appendFixed(
    appenders,
    "operation",
    commit.operations.map(({ id, type, reason, partition, offset, receivedAtMs, result }) => [
      id,
      type,
      reason,
      partition,
      offset,
      receivedAtMs,
      JSON.stringify(result),
      sequence,
    ]),
  );
  appendFixed(
    appenders,
    "layout_change",
    commit.layoutChanges.map((change) => [
      change.id,
      change.partition,
      change.fromMinute,
      change.toMinute,
      JSON.stringify(change.dimensions),
      sequence,
    ]),
  );
  appendFixed(
    appenders,
    "dropped_day",
    commit.droppedDays.map(({ partition, day, what, receivedDay }) => [
      partition,
      day,
      what,
      receivedDay,
      sequence,
    ]),
  );
  appendFixed(
    appenders,
    "config",
    commit.configs.map((config) => [config.generation, sequence, JSON.stringify(config)]),
  );
  appendFixed(appenders, "commit_log", [
    [sequence, committedAtMs, progress.partition, progress.nextOffset, progress.watermarkMs],
  ]);
}

export function appendFixed(
  appenders: TableAppenders,
  table: string,
  rows: readonly (readonly (number | string | null)[])[],
): void {
  if (rows.length === 0) return;
  appenders.append(table, fixedTables[table]!, (appender) => appender.addRows(rows));
}
