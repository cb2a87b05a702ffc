import { eventIdAt, textAt } from "../../model/click-batch.ts";
import type { NamedColumn } from "../../model/click-batch.ts";
import { formatIp, parseIpInto } from "../../model/ip.ts";
import type { ClicksRecord } from "../../model/log-record.ts";

/** A click of the log as a plain object. */
export interface LogRow {
  readonly offset: number;
  readonly row: number;
  readonly source: string;
  readonly receivedAtMs: number;
  readonly history: boolean;
  readonly adId: string;
  /** As the API shows it. */
  readonly eventId: string;
  /** Ids of different kinds are different ids, even where they look alike. */
  readonly identity: string;
  readonly time: number;
  readonly minute: number;
  readonly dimensions: Readonly<Record<string, string | undefined>>;
}

export function rowsOf(record: ClicksRecord, offset: number): LogRow[] {
  const { batch, source, receivedAtMs, history } = record;
  return Array.from({ length: batch.rowCount }, (_, row) => {
    const time = batch.clickTimestamps[row]!;
    const adId = textAt(batch.ad, row)!;
    const eventId = eventIdAt(batch, row);
    return {
      offset,
      row,
      source,
      receivedAtMs,
      history,
      adId,
      eventId,
      identity: JSON.stringify([adId, batch.eventIds.kinds[row], eventId]),
      time,
      minute: Math.floor(time / 60_000),
      dimensions: Object.fromEntries(
        batch.dimensions.map((named) => [named.name, valueAt(named, row)]),
      ),
    };
  });
}

function valueAt({ column }: NamedColumn, row: number): string | undefined {
  if (column.type === "string") return textAt(column, row);
  return column.present[row] === 1 ? formatIp(column.words, row * 4) : undefined;
}

/** An address may be asked for in any of its spellings. */
export function canonicalIp(text: string): string {
  const words = new Uint32Array(4);
  return parseIpInto(text, words, 0) ? formatIp(words, 0) : text;
}
