/** Checks a batch that others have built by the rules that admit-click.ts keeps for items. */

import { isUtf8 } from "node:buffer";

import type {
  ClickBatch,
  EventIdColumn,
  IpColumn,
  NamedColumn,
  StringColumn,
} from "../model/click-batch.ts";
import {
  adIdBytesMax,
  clickTimestampMsEnd,
  clickTimestampMsMin,
  dimensionValueBytesMax,
  eventIdBytesMax,
} from "../model/click.ts";
import type { DimensionLayout } from "../model/dimensions.ts";
import { CodedError } from "../model/errors.ts";
import { parseUuidInto } from "../model/uuid.ts";

/**
 * Throws `unknown_dimension` or `invalid_parameter` where a batch has other columns than the layout or a value that
 * ingest would have refused. `latestMs`: click times up to here are not in the future.
 */
export function checkBatch(batch: ClickBatch, layout: DimensionLayout, latestMs: number): void {
  checkColumns(batch.dimensions, layout);
  checkTimes(batch.clickTimestamps, latestMs);
  checkTexts("ad_id", batch.ad.bytes, batch.ad.offsets, adIdBytesMax);
  checkEventIds(batch.eventIds);
  for (const [i, { name, column }] of batch.dimensions.entries()) {
    if (column.type === "ip") checkIps(name, column);
    else {
      checkTexts(name, column.bytes, column.offsets, dimensionValueBytesMax);
      if (layout[i]!.type === "country") checkCountries(name, column);
    }
  }
}

function checkColumns(columns: readonly NamedColumn[], layout: DimensionLayout): void {
  const known = layout.map(({ name }) => name);
  for (const { name } of columns) {
    if (known.includes(name)) continue;
    throw new CodedError(
      "unknown_dimension",
      `the batch has a column ${name}; known are ${known.join(", ")}`,
      {
        field: name,
        details: { known },
      },
    );
  }
  const names = columns.map(({ name }) => name);
  if (names.length !== known.length || names.some((name, i) => name !== known[i])) {
    throw invalid(
      "dimensions",
      `the columns are ${names.join(", ")}, expected are ${known.join(", ")}`,
    );
  }
  for (const [i, { name, column }] of columns.entries()) {
    const expected = layout[i]!.type === "ip" ? "ip" : "string";
    if (column.type !== expected)
      throw invalid(name, `a column of type ${column.type}, expected is ${expected}`);
  }
}

function checkTimes(times: Float64Array, latestMs: number): void {
  for (const [row, time] of times.entries()) {
    const valid =
      Number.isInteger(time) && time >= clickTimestampMsMin && time < clickTimestampMsEnd;
    if (!valid)
      throw invalid("click_timestamp", `${time} in row ${row} is no time that can be kept`);
    if (time > latestMs) throw invalid("click_timestamp", `${time} in row ${row} is in the future`);
  }
}

function checkTexts(
  field: string,
  bytes: Uint8Array,
  offsets: Uint32Array,
  bytesMax: number,
): void {
  if (!isUtf8(bytes)) throw invalid(field, "a value is no UTF-8");
  for (let entry = 0; entry + 1 < offsets.length; entry++) {
    const start = offsets[entry]!;
    const length = offsets[entry + 1]! - start;
    if (length < 1 || length > bytesMax)
      throw invalid(field, `a value of ${length} bytes, 1 to ${bytesMax} are expected`);
    // All of it being UTF-8, a value is where it does not start within a character.
    if ((bytes[start]! & 0xc0) === 0x80) throw invalid(field, "a value is no UTF-8");
  }
}

function checkEventIds(column: EventIdColumn): void {
  const { textBytes, textOffsets } = column;
  checkTexts("event_id", textBytes, textOffsets, eventIdBytesMax);
  const words = new Uint32Array(4);
  for (let entry = 0; entry + 1 < textOffsets.length; entry++) {
    const start = textOffsets[entry]!;
    if (textOffsets[entry + 1]! - start === 36 && parseUuidInto(textBytes, start, words, 0)) {
      // Two forms of one id would be two identities.
      throw invalid("event_id", "a UUID that is kept as a text");
    }
  }
}

function checkIps(field: string, { present, words }: IpColumn): void {
  for (const [row, flag] of present.entries()) {
    const at = row * 4;
    const isZero = (words[at]! | words[at + 1]! | words[at + 2]! | words[at + 3]!) === 0;
    if (flag > 1 || (flag === 0 && !isZero))
      throw invalid(field, `row ${row} is neither an address nor missing`);
  }
}

function checkCountries(field: string, { bytes, offsets, entryCount }: StringColumn): void {
  for (let entry = 0; entry < entryCount; entry++) {
    const start = offsets[entry]!;
    const isCountry =
      offsets[entry + 1]! - start === 2 && isCapital(bytes[start]!) && isCapital(bytes[start + 1]!);
    if (!isCountry) throw invalid(field, "a value is no two capital letters");
  }
}

function isCapital(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}

function invalid(field: string, message: string): CodedError {
  return new CodedError("invalid_parameter", `the batch can't be taken: ${field}: ${message}`, {
    field,
  });
}
