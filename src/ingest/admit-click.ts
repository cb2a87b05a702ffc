/**
 * The rules of a click, in one place for every way in (the JSON scanner, the JSON parser, files): what each field may
 * be, and writing the row of a click that keeps them. A refused item leaves no trace in the columns.
 *
 * - ad_id, event_id: strings, never numbers. An event id that is absent or null is derived, or refused.
 * - click_timestamp: RFC 3339 with an offset, or a whole JSON number of epoch ms.
 * - dimensions: strings, or numbers and booleans by their JSON text; absent, null and empty are missing values.
 */

import {
  adIdBytesMax,
  clickTimestampMsEnd,
  clickTimestampMsMin,
  dimensionValueBytesMax,
  eventIdBytesMax,
} from "../model/click.ts";
import type { ClickBatchBuilder } from "../model/click-batch-builder.ts";
import { parseIpBytesInto } from "../model/parse-ip.ts";
import { TimeParser } from "../model/parse-time.ts";
import type { Partitioning } from "../model/partition.ts";
import { partitionOfPiece, partitionOfRange } from "../model/partition.ts";
import { pieceOfText, pieceOfWords } from "../model/piece.ts";
import { formatTime } from "../model/time.ts";
import type { DeclaredFields } from "./declared-fields.ts";
import {
  adIdField,
  clickTimestampField,
  eventIdField,
  firstDimensionField,
} from "./declared-fields.ts";
import { EventIdDeriver } from "./derived-event-id.ts";
import type { ItemFields } from "./item-fields.ts";
import { FieldKind } from "./item-fields.ts";
import type { ItemProblem } from "./item-problem.ts";
import { shortened } from "./item-problem.ts";

export interface ClickRules {
  readonly unknownFields: "ignore" | "reject";
  readonly missingEventId: "derive" | "reject";
  /** How far a click's time may be ahead of its receipt. */
  readonly maxFutureMs: number;
}

/** Where rows go: a builder for each partition. */
export interface RowSink extends Partitioning {
  /** The builder of a partition with room for another row. */
  builderFor(partition: number): ClickBatchBuilder;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Bytes of a value that are enough for what a message shows of it. */
const shownBytesMax = 260;

export class ClickAdmitter {
  /** Rows written with a derived id, and undeclared fields met, since the start. */
  derivedCount = 0;
  unknownFieldCount = 0;
  private readonly declared: DeclaredFields;
  private readonly rules: ClickRules;
  private readonly deriver: EventIdDeriver;
  private readonly times = new TimeParser();
  /** The id that the last admitted click without one was given; an import numbers its occurrences. */
  readonly derivedId = new Uint32Array(4);
  /** By slot, four words each. */
  private readonly ipWords: Uint32Array;
  private readonly countryBytes = new Uint8Array(2);

  constructor(declared: DeclaredFields, rules: ClickRules) {
    this.declared = declared;
    this.rules = rules;
    this.deriver = new EventIdDeriver(declared);
    this.ipWords = new Uint32Array(declared.count * 4);
  }

  /** Writes the click as a row, or says why it is none. */
  admit(fields: ItemFields, receivedAtMs: number, sink: RowSink): ItemProblem | undefined {
    const timeMs =
      fields.kinds[clickTimestampField] === FieldKind.text
        ? this.timeOf(fields)
        : this.epochMsOf(fields);
    const problem =
      this.checkId(fields, adIdField, adIdBytesMax) ??
      this.checkTime(fields, timeMs, receivedAtMs) ??
      this.checkEventId(fields) ??
      this.checkDimensions(fields) ??
      this.checkUndeclared(fields);
    if (problem !== undefined) return problem;

    const { source, starts, ends } = fields;
    const { partitionCount, spread } = sink;
    if (!isSent(fields)) this.deriver.deriveInto(fields, this.derivedId);
    const home = partitionOfRange(source, starts[adIdField]!, ends[adIdField]!, partitionCount);
    const piece = spread === 1 ? 0 : this.pieceOf(fields, spread);
    this.write(fields, timeMs, sink.builderFor(partitionOfPiece(home, piece, partitionCount)));
    this.unknownFieldCount += fields.undeclaredCount;
    return undefined;
  }

  private pieceOf(fields: ItemFields, spread: number): number {
    if (fields.eventIdIsUuid) return pieceOfWords(fields.eventIdWords, 0, spread);
    if (!isSent(fields)) return pieceOfWords(this.derivedId, 0, spread);
    const { source, starts, ends } = fields;
    return pieceOfText(source, starts[eventIdField]!, ends[eventIdField]!, spread);
  }

  private write(fields: ItemFields, timeMs: number, builder: ClickBatchBuilder): void {
    const { source, kinds, starts, ends } = fields;
    const row = builder.rowCount;
    builder.ad.set(row, source, starts[adIdField]!, ends[adIdField]!);
    if (fields.eventIdIsUuid) builder.eventIds.setUuid(row, fields.eventIdWords);
    else if (isSent(fields)) {
      builder.eventIds.set(row, source, starts[eventIdField]!, ends[eventIdField]!);
    } else {
      const id = this.derivedId;
      builder.eventIds.setDerived(row, id[0]!, id[1]!, id[2]!, id[3]!);
      this.derivedCount++;
    }
    const { layout } = this.declared;
    const { dimensions } = builder;
    for (let i = 0; i < layout.length; i++) {
      const slot = firstDimensionField + i;
      const start = starts[slot]!;
      const end = ends[slot]!;
      if (kinds[slot]! <= FieldKind.null || start === end) continue;
      const { column } = dimensions[i]!;
      if (column.type === "ip") column.setWords(row, this.ipWords, slot * 4);
      else if (layout[i]!.type === "country") this.writeCountry(row, source, start, column);
      else column.set(row, source, start, end);
    }
    builder.endRow(timeMs);
  }

  private writeCountry(
    row: number,
    source: Uint8Array,
    start: number,
    column: { set(row: number, source: Uint8Array, start: number, end: number): void },
  ): void {
    const { countryBytes } = this;
    countryBytes[0] = source[start]! & ~0x20;
    countryBytes[1] = source[start + 1]! & ~0x20;
    column.set(row, countryBytes, 0, 2);
  }

  /** Epoch ms of a time that is a text; NaN where it is none. */
  private timeOf(fields: ItemFields): number {
    if (!Number.isNaN(fields.clickTimestampMs)) return fields.clickTimestampMs;
    const { source } = fields;
    const start = fields.starts[clickTimestampField]!;
    const end = fields.ends[clickTimestampField]!;
    const timeMs = this.times.parse(source, start, end);
    return this.times.end === end ? timeMs : Number.NaN;
  }

  /** Epoch ms of a time that is a number; NaN where it is none or no whole one. */
  private epochMsOf(fields: ItemFields): number {
    if (fields.kinds[clickTimestampField] !== FieldKind.number) return Number.NaN;
    const { source } = fields;
    const start = fields.starts[clickTimestampField]!;
    const end = fields.ends[clickTimestampField]!;
    let value = 0;
    for (let at = start; at < end; at++) {
      const digit = source[at]! - 0x30;
      if (digit < 0 || digit > 9 || end - start > 15) {
        // A sign, a fraction or an exponent: as JSON reads it.
        value = Number(decoder.decode(source.subarray(start, end)));
        break;
      }
      value = value * 10 + digit;
    }
    // -0 is the epoch too.
    return Number.isInteger(value) ? value + 0 : Number.NaN;
  }

  private checkId(fields: ItemFields, slot: number, bytesMax: number): ItemProblem | undefined {
    const kind = fields.kinds[slot]!;
    const length = fields.ends[slot]! - fields.starts[slot]!;
    if (kind === FieldKind.text && length > 0 && length <= bytesMax) return undefined;
    const field = this.declared.sentNames[slot]!;
    if (kind <= FieldKind.null) {
      return {
        field,
        code: "missing_field",
        message: `${field} is missing: a string of 1 to ${bytesMax} bytes is expected`,
      };
    }
    if (kind !== FieldKind.text) {
      return {
        field,
        code: "invalid_type",
        message: `${field} is ${shown(fields, slot)}, a string is expected`,
      };
    }
    if (length === 0) {
      return {
        field,
        code: "empty_field",
        message: `${field} is empty, 1 to ${bytesMax} bytes are expected`,
      };
    }
    return this.tooLong(fields, slot, bytesMax);
  }

  private checkEventId(fields: ItemFields): ItemProblem | undefined {
    if (fields.eventIdIsUuid) return undefined;
    if (fields.kinds[eventIdField]! <= FieldKind.null && this.rules.missingEventId === "derive")
      return undefined;
    return this.checkId(fields, eventIdField, eventIdBytesMax);
  }

  private checkTime(
    fields: ItemFields,
    timeMs: number,
    receivedAtMs: number,
  ): ItemProblem | undefined {
    if (
      timeMs >= clickTimestampMsMin &&
      timeMs < clickTimestampMsEnd &&
      timeMs <= receivedAtMs + this.rules.maxFutureMs
    ) {
      return undefined;
    }
    const slot = clickTimestampField;
    const field = this.declared.sentNames[slot]!;
    const kind = fields.kinds[slot]!;
    const expected =
      "an RFC 3339 time with an offset or a whole number of epoch milliseconds is expected";
    if (kind <= FieldKind.null)
      return { field, code: "missing_field", message: `${field} is missing: ${expected}` };
    if (kind === FieldKind.text && fields.starts[slot] === fields.ends[slot]) {
      return { field, code: "empty_field", message: `${field} is empty: ${expected}` };
    }
    const found = `${field} is ${shown(fields, slot)}`;
    if (kind !== FieldKind.text && kind !== FieldKind.number) {
      return { field, code: "invalid_type", message: `${found}: ${expected}` };
    }
    if (Number.isNaN(timeMs))
      return { field, code: "invalid_timestamp", message: `${found}: ${expected}` };
    if (timeMs < clickTimestampMsMin || timeMs >= clickTimestampMsEnd) {
      const range = `${formatTime(clickTimestampMsMin)} up to ${formatTime(clickTimestampMsEnd)}`;
      return {
        field,
        code: "invalid_timestamp",
        message: `${found}: a time from ${range} is expected`,
      };
    }
    const aheadMs = timeMs - receivedAtMs;
    return {
      field,
      code: "future_timestamp",
      message: `${found}, ${aheadMs} ms after it was received; at most ${this.rules.maxFutureMs} ms are allowed`,
    };
  }

  private checkDimensions(fields: ItemFields): ItemProblem | undefined {
    const { kinds, starts, ends } = fields;
    const { layout } = this.declared;
    for (let i = 0; i < layout.length; i++) {
      const slot = firstDimensionField + i;
      const kind = kinds[slot]!;
      if (kind <= FieldKind.null) continue;
      const field = this.declared.sentNames[slot]!;
      if (kind === FieldKind.composite) {
        return {
          field,
          code: "invalid_type",
          message: `${field} is ${shown(fields, slot)}, a string is expected`,
        };
      }
      const length = ends[slot]! - starts[slot]!;
      if (length === 0) continue;
      if (length > dimensionValueBytesMax)
        return this.tooLong(fields, slot, dimensionValueBytesMax);
      const { type } = layout[i]!;
      if (type === "country") {
        if (!isCountry(fields.source, starts[slot]!, length)) {
          const message = `${field} is ${shown(fields, slot)}, two letters (ISO 3166-1 alpha-2) are expected`;
          return { field, code: "invalid_country", message };
        }
      } else if (type === "ip") {
        if (!parseIpBytesInto(fields.source, starts[slot]!, ends[slot]!, this.ipWords, slot * 4)) {
          const message = `${field} is ${shown(fields, slot)}, an IPv4 or IPv6 address is expected`;
          return { field, code: "invalid_ip", message };
        }
      }
    }
    return undefined;
  }

  private checkUndeclared(fields: ItemFields): ItemProblem | undefined {
    if (fields.undeclaredCount === 0 || this.rules.unknownFields === "ignore") return undefined;
    const name = firstUndeclaredName(fields);
    const known = this.declared.sentNames.join(", ");
    const message = `${JSON.stringify(name)} is not a declared field; declared are ${known}`;
    return { field: name, code: "unknown_field", message };
  }

  private tooLong(fields: ItemFields, slot: number, bytesMax: number): ItemProblem {
    const field = this.declared.sentNames[slot]!;
    const length = fields.ends[slot]! - fields.starts[slot]!;
    const message = `${field} is ${shown(fields, slot)} of ${length} bytes, at most ${bytesMax} are allowed`;
    return { field, code: "field_too_long", message };
  }
}

/** Whether the click came with an event id. */
function isSent(fields: ItemFields): boolean {
  return fields.eventIdIsUuid || fields.kinds[eventIdField] === FieldKind.text;
}

function isCountry(source: Uint8Array, start: number, length: number): boolean {
  return length === 2 && isLetter(source[start]!) && isLetter(source[start + 1]!);
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

/** The value of a field for a message: as JSON, shortened. */
function shown(fields: ItemFields, slot: number): string {
  const start = fields.starts[slot]!;
  const end = Math.min(fields.ends[slot]!, start + shownBytesMax);
  const text = shortened(decoder.decode(fields.source.subarray(start, end)));
  return fields.kinds[slot] === FieldKind.text ? JSON.stringify(text) : text;
}

/** The first by name: the order in which the fields came is not known of every item. */
function firstUndeclaredName(fields: ItemFields): string {
  const names: string[] = [];
  for (let i = 0; i < fields.undeclaredCount; i++) {
    const start = fields.nameStarts[i]!;
    const end = Math.min(fields.nameEnds[i]!, start + shownBytesMax);
    names.push(shortened(decoder.decode(fields.source.subarray(start, end))));
  }
  return names.toSorted()[0]!;
}
