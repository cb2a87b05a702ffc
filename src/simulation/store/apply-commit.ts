/** How a commit changes what the simulated store holds. */

import { EventIdKind, eventIdAt, textAt } from "../../model/click-batch.ts";
import type { NamedColumn } from "../../model/click-batch.ts";
import type { Commit, DecidedClicks } from "../../model/commit.ts";
import { movesCounts } from "../../model/commit.ts";
import { formatIp } from "../../model/ip.ts";
import { Outcome } from "../../model/outcome.ts";
import { applyErasure } from "./erase.ts";
import type { Contents, MinuteRow, RawRow } from "./tables.ts";
import { keyOfMinuteRow } from "./tables.ts";

/** What of a commit becomes rows. Throws where it can't be made, before anything is changed. */
export interface CommitRows {
  readonly raw: readonly RawRow[];
  readonly minutes: readonly MinuteRow[];
}

export function rowsOfCommit(commit: Commit): CommitRows {
  if (!Array.isArray(commit.ledger)) throw new TypeError("the commit has no ledger");
  return {
    raw: commit.clicks.flatMap((clicks) => rawRows(clicks, commit.sequence)),
    minutes: minuteRows(commit),
  };
}

/** `historyId`: of the history that the commit begins. */
export function applyCommit(
  contents: Contents,
  commit: Commit,
  rows: CommitRows,
  historyId?: string,
): void {
  const { dictionaries, records, raw, keyed } = contents;
  const { sequence: asOf } = commit;
  for (const { dictionary, values } of commit.dictionaries)
    dictionaries.set(dictionary, [...(dictionaries.get(dictionary) ?? []), ...values]);
  for (const { partition, offset, batch, dimensionKeys } of commit.clicks) {
    records.add(`${partition}:${offset}`);
    for (const name of dimensionKeys.keys()) keyed.add(name);
    for (const { name, column } of batch.dimensions)
      if (column.type === "ip") contents.addresses.add(name);
  }
  for (const name of commit.minutes.dimensionKeys.keys()) keyed.add(name);
  raw.push(...rows.raw);
  contents.minutes.push(...rows.minutes);
  contents.ledger.push(...commit.ledger);
  for (const entry of commit.restatements) contents.journal.push(Object.assign({ asOf }, entry));
  contents.closes.push(...commit.closes.map((close) => Object.assign({ asOf }, close)));
  contents.operations.push(...commit.operations.map((part) => Object.assign({ asOf }, part)));
  contents.layoutChanges.push(
    ...commit.layoutChanges.map((change) => Object.assign({ asOf }, change)),
  );
  contents.droppedDays.push(...commit.droppedDays.map((day) => Object.assign({ asOf }, day)));
  for (const { partition, offset, row, after } of commit.outcomeChanges) {
    const at = raw.findIndex(
      (other) => other.partition === partition && other.offset === offset && other.row === row,
    );
    const before = raw[at]!;
    raw[at] = {
      ...before,
      outcome: Outcome[after],
      corrections: [
        ...before.corrections,
        { commit: asOf, before: before.outcome, after: Outcome[after] },
      ],
    };
  }
  for (const erasure of commit.erasures) applyErasure(contents, erasure);
  const { partition: own } = commit.progress;
  for (const change of commit.adAttributes)
    contents.attributes.push(Object.assign({ partition: own, commit: asOf }, change));
  for (const config of commit.configs) contents.configs.push({ commit: asOf, config });
  contents.commits.push({ sequence: asOf, progress: commit.progress });
  contents.progress.set(commit.progress.partition, commit.progress);
  contents.sequence = asOf;
  if (historyId === undefined) return;
  contents.histories.push({ firstSequence: asOf, id: historyId, startsOver: movesCounts(commit) });
}

function rawRows(clicks: DecidedClicks, commit: number): RawRow[] {
  const { partition, offset, receivedAtMs, source, batch, adKeys, outcomes, dimensionKeys } =
    clicks;
  const { kinds, words } = batch.eventIds;
  return Array.from({ length: batch.rowCount }, (_, row) => {
    const isText = kinds[row] === EventIdKind.text;
    const eventId = eventIdAt(batch, row);
    return {
      commit,
      partition,
      offset,
      row,
      receivedAtMs,
      source,
      adKey: adKeys[row]!,
      eventIdKind: kinds[row]!,
      eventIdWords: isText ? [0, 0, 0, 0] : [...words.subarray(row * 4, row * 4 + 4)],
      eventIdText: isText ? eventId : null,
      eventId,
      time: batch.clickTimestamps[row]!,
      outcome: outcomes[row]!,
      corrections: [],
      dimensions: dimensionsAt(batch.dimensions, row),
      dimensionKeys: Object.fromEntries(
        [...dimensionKeys].map(([name, keys]) => [name, keys[row]!]),
      ),
    };
  });
}

function dimensionsAt(columns: readonly NamedColumn[], row: number): Record<string, string> {
  const values: Record<string, string> = {};
  for (const { name, column } of columns) {
    if (column.type === "ip") {
      if (column.present[row] === 1) values[name] = formatIp(column.words, row * 4);
      continue;
    }
    const text = textAt(column, row);
    if (text !== undefined) values[name] = text;
  }
  return values;
}

function minuteRows({ minutes: deltas, sequence: commit, progress }: Commit): MinuteRow[] {
  const names = [...deltas.dimensionKeys.keys()].toSorted();
  return Array.from({ length: deltas.rowCount }, (_, row) => {
    const minute = deltas.minutes[row]!;
    const adKey = deltas.adKeys[row]!;
    const dimensionKeys: Record<string, number> = {};
    for (const name of names) {
      const value = deltas.dimensionKeys.get(name)![row]!;
      if (value !== 0) dimensionKeys[name] = value;
    }
    return {
      minute,
      adKey,
      dimensionKeys,
      key: keyOfMinuteRow({ minute, adKey, dimensionKeys }),
      count: deltas.counts[row]!,
      restated: deltas.restated[row]!,
      partition: progress.partition,
      commit,
    };
  });
}
