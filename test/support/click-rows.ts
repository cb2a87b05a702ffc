/** Clicks as plain rows, for comparing what a batch holds with what was put in. */
import fc from "fast-check";
import { ClickBatchBuilder } from "../../src/model/click-batch-builder.ts";
import { eventIdAt, textAt, type ClickBatch } from "../../src/model/click-batch.ts";
import type { DimensionLayout } from "../../src/model/dimensions.ts";
import { formatIp } from "../../src/model/ip.ts";

export interface ClickRow {
  readonly ad: string;
  /** Text, or the four words of a derived id. */
  readonly eventId: string | readonly [number, number, number, number];
  readonly clickTimestampMs: number;
  /** Values by dimension; IP addresses in their canonical form. */
  readonly values: Readonly<Record<string, string>>;
}

export function batchOf(layout: DimensionLayout, rows: readonly ClickRow[]): ClickBatch {
  const builder = new ClickBatchBuilder(layout, 4);
  for (const [row, { ad, eventId, clickTimestampMs, values }] of rows.entries()) {
    builder.ad.setText(row, ad);
    if (typeof eventId === "string") builder.eventIds.setText(row, eventId);
    else builder.eventIds.setDerived(row, ...eventId);
    for (const { name, column } of builder.dimensions) {
      const value = values[name];
      if (value !== undefined) column.setText(row, value);
    }
    builder.endRow(clickTimestampMs);
  }
  return builder.build();
}

/** What the rows of a batch hold, every value read. */
export function rowsOf(batch: ClickBatch): {
  ad: string | undefined;
  eventId: string;
  clickTimestampMs: number;
  values: Record<string, string>;
}[] {
  return Array.from({ length: batch.rowCount }, (_, row) => {
    const values: Record<string, string> = {};
    for (const { name, column } of batch.dimensions) {
      if (column.type === "string") {
        const text = textAt(column, row);
        if (text !== undefined) values[name] = text;
      } else if (column.present[row] === 1) {
        values[name] = formatIp(column.words, row * 4);
      }
    }
    return {
      ad: textAt(batch.ad, row),
      eventId: eventIdAt(batch, row),
      clickTimestampMs: batch.clickTimestamps[row]!,
      values,
    };
  });
}

/** The row as rowsOf gives it. */
export function expectedRow(row: ClickRow): ReturnType<typeof rowsOf>[number] {
  const { ad, eventId, clickTimestampMs, values } = row;
  const shown =
    typeof eventId === "string"
      ? eventId
      : `derived:${eventId.map((word) => word.toString(16).padStart(8, "0")).join("")}`;
  return { ad, eventId: shown, clickTimestampMs, values: { ...values } };
}

export const rowLayout: DimensionLayout = [
  { name: "country", in: "minute", type: "country" },
  { name: "device", in: "minute", type: "string" },
  { name: "user_id", in: "raw", type: "string" },
  { name: "ip", in: "raw", type: "ip" },
];

/** Text as callers send it: any characters, but no half surrogate pairs, which UTF-8 can't carry. */
const text = (maxLength: number) =>
  fc.oneof(
    fc.string({ minLength: 1, maxLength, unit: "binary" }),
    fc.constantFrom("a", "ad-1", "\uFEFFad-1", "ad\u0000", "é", "😀"),
  );
const word = fc.nat(0xffff_ffff);
const wideTime = fc.integer({ min: 0, max: 7_258_118_399_999 });
const nearTime = fc.integer({ min: 1_700_000_000_000, max: 1_700_000_600_000 });
const v4 = fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }).map((parts) => parts.join("."));
const v6 = fc
  .array(word, { minLength: 4, maxLength: 4 })
  .map((words) => formatIp(Uint32Array.from(words), 0));

const uuid = fc.uuid();
const derived = fc.tuple(word, word, word, word);

/** Rows whose batches take every form of every section: all alike, mixed, or with missing values. */
export const clickRows: fc.Arbitrary<ClickRow[]> = fc
  .record({
    eventId: fc.constantFrom<fc.Arbitrary<ClickRow["eventId"]>>(
      uuid,
      derived,
      text(40),
      fc.oneof(uuid, derived, text(128)),
    ),
    time: fc.constantFrom(nearTime, wideTime),
    ip: fc.constantFrom(v4, v6, fc.oneof(v4, v6)),
    required: fc.boolean(),
  })
  .chain(({ eventId, time, ip, required }) => {
    const values = fc.record(
      { country: fc.constantFrom("US", "DE"), device: text(20), user_id: text(256), ip },
      required ? {} : { requiredKeys: [] },
    );
    return fc.array(fc.record({ ad: text(30), eventId, clickTimestampMs: time, values }), {
      maxLength: 40,
    });
  });
