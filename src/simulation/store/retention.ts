import type { DayReceipt } from "../../model/dropped-days.ts";
import { outcomeNames, Outcome } from "../../model/outcome.ts";
import { dayMs, dayOfMinute } from "../../model/time.ts";
import type { Contents, RawRow } from "./tables.ts";

const dayOf = (row: RawRow): number => Math.floor(row.time / dayMs);

/** Whether the partition of this click keeps it no more. */
export function hasDropped({ droppedDays }: Contents, row: RawRow): boolean {
  return droppedDays.some(
    ({ partition, day, what }) =>
      what === "raw" && partition === row.partition && day === dayOf(row),
  );
}

/** Whether any partition has dropped the clicks of this day. */
export function isWithoutRaw({ droppedDays }: Contents, day: number): boolean {
  return droppedDays.some((dropped) => dropped.what === "raw" && dropped.day === day);
}

export function newestReceipts(
  contents: Contents,
  partition: number,
  beforeDay: number,
): DayReceipt[] {
  const rows = contents.raw.filter(
    (row) => row.partition === partition && dayOf(row) < beforeDay && !hasDropped(contents, row),
  );
  return [...Map.groupBy(rows, dayOf)].map(([day, own]) => {
    const lasting = own.filter(({ outcome }) => outcome !== Outcome.expired);
    const newest = (lasting.length > 0 ? lasting : own).map(({ receivedAtMs }) => receivedAtMs);
    return { day, receivedDay: Math.floor(Math.max(...newest) / dayMs) };
  });
}

/** A day goes as a whole, once all partitions with clicks of it have dropped it. */
export function purgeContents(contents: Contents): void {
  const partitionsOf = (day: number, what: "raw" | "minute"): number[] =>
    contents.droppedDays
      .filter((dropped) => dropped.day === day && dropped.what === what)
      .map(({ partition }) => partition);
  const isHeld = (day: number): boolean =>
    contents.raw.some((row) => dayOf(row) === day && !hasDropped(contents, row));
  const isRawGone = (day: number): boolean => partitionsOf(day, "raw").length > 0 && !isHeld(day);
  const isGone = (day: number): boolean =>
    isRawGone(day) &&
    partitionsOf(day, "raw").every((partition) => partitionsOf(day, "minute").includes(partition));
  const kept = contents.raw.filter((row) => !isRawGone(dayOf(row)));
  contents.minutes = contents.minutes.filter(({ minute }) => !isGone(dayOfMinute(minute)));
  contents.journal = contents.journal.filter(({ minute }) => !isGone(dayOfMinute(minute)));
  contents.raw = kept;
  carryLedger(contents);
}

function carryLedger(contents: Contents): void {
  const old = contents.droppedDays.filter(({ what }) => what === "minute");
  const lastDay = Math.max(-Infinity, ...old.map(({ receivedDay }) => receivedDay));
  const isOld = ({ receivedMinute }: Contents["ledger"][number]): boolean =>
    dayOfMinute(receivedMinute) <= lastDay;
  const carried = Map.groupBy(contents.ledger.filter(isOld), ({ source }) => source);
  contents.ledger = contents.ledger.filter((delta) => !isOld(delta));
  for (const [source, deltas] of carried) {
    const sumOf = (amount: (delta: (typeof deltas)[number]) => number): number =>
      deltas.reduce((sum, delta) => sum + amount(delta), 0);
    contents.ledger.push({
      source,
      receivedMinute: 0,
      received: sumOf(({ received }) => received),
      outcomes: Object.fromEntries(
        outcomeNames.map((name) => [name, sumOf(({ outcomes }) => outcomes[name] ?? 0)]),
      ),
    });
  }
}
