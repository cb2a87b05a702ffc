/** Buckets, ledger and attributes of the simulated store. */

import { Outcome, outcomeNames } from "../../model/outcome.ts";
import { compareUtf8 } from "../../model/utf8-order.ts";
import type {
  AdAttributes,
  BucketState,
  LedgerRow,
  RecordedOperation,
} from "../../store/click-store.ts";
import { attributeAt } from "./aggregate.ts";
import type { Contents, JournalRow, MinuteRow } from "./tables.ts";
import { minuteOfRow } from "./tables.ts";

export function bucketState(
  { minutes, journal }: Contents,
  { minute, adKey }: { readonly minute: number; readonly adKey: number },
  partition: number | undefined,
): BucketState {
  const isOf = (row: MinuteRow | JournalRow): boolean =>
    row.minute === minute && row.adKey === adKey && row.partition === (partition ?? row.partition);
  return {
    count: minutes.filter(isOf).reduce((sum, { count }) => sum + count, 0),
    revision: journal.filter(isOf).length,
  };
}

export function extentOf({
  raw,
  minutes,
}: Contents): { firstMinute: number; lastMinute: number } | undefined {
  const kept = raw.filter(({ outcome }) => outcome !== Outcome.expired);
  const all = [...kept.map(minuteOfRow), ...minutes.map(({ minute }) => minute)];
  if (all.length === 0) return undefined;
  return {
    firstMinute: all.reduce((a, b) => Math.min(a, b)),
    lastMinute: all.reduce((a, b) => Math.max(a, b)),
  };
}

export function ledgerRows(contents: Contents, fromMinute: number, toMinute: number): LedgerRow[] {
  const rows = new Map<string, LedgerRow>();
  for (const { source, receivedMinute, outcomes, ...delta } of contents.ledger) {
    if (receivedMinute < fromMinute || receivedMinute >= toMinute) continue;
    const key = `${receivedMinute} ${source}`;
    const before = rows.get(key);
    const sums = Object.fromEntries(
      outcomeNames.map((name) => [name, (before?.outcomes[name] ?? 0) + (outcomes[name] ?? 0)]),
    ) as LedgerRow["outcomes"];
    const received = (before?.received ?? 0) + delta.received;
    rows.set(key, { source, receivedMinute, received, outcomes: sums });
  }
  return [...rows.values()].toSorted(
    (a, b) => a.receivedMinute - b.receivedMinute || compareUtf8(a.source, b.source),
  );
}

export function attributesOf(contents: Contents, adId: string): AdAttributes | undefined {
  const changes = contents.attributes.filter(({ ad_id }) => ad_id === adId);
  const attributes: Record<string, string> = {};
  for (const name of new Set(changes.flatMap((change) => Object.keys(change.attributes)))) {
    const value = attributeAt(contents, adId, name, Infinity);
    if (value !== null) attributes[name] = value;
  }
  if (Object.keys(attributes).length === 0) return undefined;
  const valid_from_minute = Math.max(...changes.map((change) => change.valid_from_minute));
  return { ad_id: adId, attributes, valid_from_minute };
}

export function operationParts({ operations }: Contents, id: string): RecordedOperation[] {
  const parts = operations.filter((part) => part.id === id);
  return parts.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset);
}

/** Of recomputes and rollbacks that were applied. */
export function lastRecomputeOf(
  { operations }: Contents,
  partition: number | undefined,
): RecordedOperation | undefined {
  return operations.findLast(
    ({ type, result, ...part }) =>
      (type === "recompute" || type === "rollback") &&
      result["applied"] === 1 &&
      part.partition === (partition ?? part.partition),
  );
}
