/**
 * The binary form of a ClickBatch. Little-endian; every section starts on a multiple of 8 bytes.
 *
 *   batch      = u8 version(1), u8[3] 0, u32 rowCount, u32 columnCount, u32 0,
 *                timestamps, strings(ad), eventIds, column*columnCount
 *   timestamps = u32 form, u32 0, form 0: f64 base, u32 delta*rowCount      (ms since base)
 *                                 form 1: f64 ms*rowCount
 *   column     = u8 type (0 string, 1 ip), u8 nameLength, name, pad, strings | ips
 *   strings    = u32 entryCount, u32 byteLength, u8 codeWidth (0, 1, 2, 4), u8 lengthWidth (1, 2, 4), u8[6] 0,
 *                code*rowCount, pad, length*entryCount, pad, bytes, pad
 *                codeWidth 0: row i has code i + 1                          (no repeats, none missing)
 *   eventIds   = u8 kind (0, 1: all rows; 255: mixed), u8[3] 0, u32 textCount, u32 textByteLength, u32 0,
 *                [mixed: u8 kind*rowCount, pad], u32 word*4*rowCount, pad, u16 length*textCount, pad, bytes, pad
 *   ips        = u8 form (0: all IPv4 and present, 1: any), u8[7] 0,
 *                form 0: u32 address*rowCount, pad; form 1: u8 present*rowCount, pad, u32 word*4*rowCount
 *
 * Integrity (a checksum) is the carrier's business. Decoding checks every length against the buffer.
 */

import type {
  ClickBatch,
  DimensionColumn,
  EventIdColumn,
  IpColumn,
  StringColumn,
} from "./click-batch.ts";
import { EventIdKind } from "./click-batch.ts";
import { SectionReader, SectionWriter } from "./sections.ts";

const version = 1;
const mixedKinds = 255;
const nameDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function encodeClickBatch(batch: ClickBatch): Uint8Array {
  const writer = new SectionWriter(estimatedBytes(batch));
  writer.u8(version);
  writer.pad(4);
  writer.u32(batch.rowCount);
  writer.u32(batch.dimensions.length);
  writer.u32(0);
  encodeTimestamps(writer, batch.clickTimestamps);
  encodeStrings(writer, batch.ad);
  encodeEventIds(writer, batch.eventIds);
  for (const { name, column } of batch.dimensions) {
    const nameBytes = new TextEncoder().encode(name);
    writer.u8(column.type === "ip" ? 1 : 0);
    writer.u8(nameBytes.length);
    writer.raw(nameBytes);
    writer.pad(8);
    if (column.type === "ip") encodeIps(writer, column);
    else encodeStrings(writer, column);
  }
  return writer.finish();
}

/** Throws a RangeError where the bytes are no batch; never reads past them. The result may view `bytes`. */
export function decodeClickBatch(bytes: Uint8Array): ClickBatch {
  const reader = new SectionReader(bytes);
  const found = reader.u8();
  if (found !== version) throw new RangeError(`click batch version ${found}, known: ${version}`);
  reader.pad(4);
  const rowCount = reader.u32();
  const columnCount = reader.u32();
  reader.u32();
  // A row takes at least 16 bytes (its event id), so a wrong count can't ask for absurd memory.
  if (rowCount * 16 > bytes.length)
    throw new RangeError(`click batch of ${rowCount} rows in ${bytes.length} bytes`);
  const clickTimestamps = decodeTimestamps(reader, rowCount);
  const ad = decodeStrings(reader, rowCount);
  const eventIds = decodeEventIds(reader, rowCount);
  const dimensions: { name: string; column: DimensionColumn }[] = [];
  for (let i = 0; i < columnCount; i++) {
    const type = reader.u8();
    const name = decodeName(reader.raw(reader.u8()));
    reader.pad(8);
    if (type > 1) throw new RangeError(`click batch column ${name}: unknown type ${type}`);
    dimensions.push({
      name,
      column: type === 1 ? decodeIps(reader, rowCount) : decodeStrings(reader, rowCount),
    });
  }
  if (ad.codes.includes(0)) throw new RangeError("click batch with a missing ad_id");
  reader.end();
  return { rowCount, clickTimestamps, ad, eventIds, dimensions };
}

/** Strictly: two spellings of a name would be one column, and not the bytes that were written. */
function decodeName(bytes: Uint8Array): string {
  try {
    return nameDecoder.decode(bytes);
  } catch (cause) {
    throw new RangeError("click batch column whose name is no UTF-8", { cause });
  }
}

function estimatedBytes(batch: ClickBatch): number {
  let bytes = 256 + batch.rowCount * 28 + batch.ad.bytes.length + batch.ad.entryCount * 4;
  bytes += batch.eventIds.textBytes.length + batch.eventIds.textOffsets.length * 2;
  for (const { column } of batch.dimensions) {
    bytes += 384 + batch.rowCount * (column.type === "ip" ? 17 : 4);
    if (column.type === "string") bytes += column.bytes.length + column.entryCount * 4;
  }
  return bytes;
}

function encodeTimestamps(writer: SectionWriter, times: Float64Array): void {
  let min = Infinity;
  let max = -Infinity;
  for (const time of times) {
    if (time < min) min = time;
    if (time > max) max = time;
  }
  const deltas = times.length > 0 && max - min <= 0xffff_ffff;
  writer.u32(deltas ? 0 : 1);
  writer.u32(0);
  if (!deltas) {
    writer.array(times);
    return;
  }
  writer.f64(min);
  const column = new Uint32Array(times.length);
  for (let i = 0; i < times.length; i++) column[i] = times[i]! - min;
  writer.array(column);
}

function decodeTimestamps(reader: SectionReader, rowCount: number): Float64Array {
  const form = reader.u32();
  reader.u32();
  if (form === 1) {
    const times = reader.f64Array(rowCount);
    for (const time of times) checkTime(time);
    return times;
  }
  if (form !== 0) throw new RangeError(`click batch timestamps: unknown form ${form}`);
  const base = reader.f64();
  checkTime(base);
  const deltas = reader.unsigned(rowCount, 4);
  const times = new Float64Array(rowCount);
  for (let i = 0; i < rowCount; i++) times[i] = base + deltas[i]!;
  return times;
}

/** Whole milliseconds; -0 is no other time than 0 and so no time of its own. */
function checkTime(time: number): void {
  if (!Number.isSafeInteger(time) || Object.is(time, -0))
    throw new RangeError(`click batch with the time ${time}`);
}

function encodeStrings(writer: SectionWriter, column: StringColumn): void {
  const { codes, offsets, bytes, entryCount } = column;
  let sequential = true;
  for (let i = 0; i < codes.length && sequential; i++) sequential = codes[i] === i + 1;
  const codeWidth = sequential ? 0 : widthOf(entryCount);
  const lengths = new Uint32Array(entryCount);
  let longest = 0;
  for (let i = 0; i < entryCount; i++) {
    const length = offsets[i + 1]! - offsets[i]!;
    lengths[i] = length;
    if (length > longest) longest = length;
  }
  const lengthWidth = widthOf(longest);
  writer.u32(entryCount);
  writer.u32(bytes.length);
  writer.u8(codeWidth);
  writer.u8(lengthWidth);
  writer.pad(8);
  if (codeWidth !== 0) writer.unsigned(codes, codeWidth);
  writer.unsigned(lengths, lengthWidth);
  writer.raw(bytes);
  writer.pad(8);
}

function decodeStrings(reader: SectionReader, rowCount: number): StringColumn {
  const entryCount = reader.u32();
  const byteLength = reader.u32();
  const codeWidth = reader.u8();
  const lengthWidth = reader.u8();
  reader.pad(8);
  let codes: Uint32Array;
  if (codeWidth === 0) {
    codes = new Uint32Array(rowCount);
    for (let i = 0; i < rowCount; i++) codes[i] = i + 1;
  } else {
    codes = reader.unsigned(rowCount, codeWidth);
  }
  for (let i = 0; i < rowCount; i++) {
    if (codes[i]! > entryCount)
      throw new RangeError(`click batch: code ${codes[i]} of ${entryCount} entries`);
  }
  const offsets = offsetsOf(reader.unsigned(entryCount, lengthWidth), byteLength);
  const bytes = reader.raw(byteLength);
  reader.pad(8);
  return { type: "string", codes, offsets, bytes, entryCount };
}

function encodeEventIds(writer: SectionWriter, column: EventIdColumn): void {
  const { kinds, words, textOffsets, textBytes } = column;
  const first = kinds[0] ?? EventIdKind.uuid;
  const uniform = first !== EventIdKind.text && kinds.every((kind) => kind === first);
  const textCount = textOffsets.length - 1;
  writer.u8(uniform ? first : mixedKinds);
  writer.pad(4);
  writer.u32(textCount);
  writer.u32(textBytes.length);
  writer.u32(0);
  if (!uniform) {
    writer.raw(kinds);
    writer.pad(8);
  }
  writer.array(words);
  const lengths = new Uint32Array(textCount);
  for (let i = 0; i < textCount; i++) lengths[i] = textOffsets[i + 1]! - textOffsets[i]!;
  writer.unsigned(lengths, 2);
  writer.raw(textBytes);
  writer.pad(8);
}

function decodeEventIds(reader: SectionReader, rowCount: number): EventIdColumn {
  const kind = reader.u8();
  reader.pad(4);
  const textCount = reader.u32();
  const textByteLength = reader.u32();
  reader.u32();
  let kinds: Uint8Array;
  if (kind === mixedKinds) {
    kinds = reader.raw(rowCount);
    reader.pad(8);
  } else {
    kinds = new Uint8Array(rowCount).fill(kind);
  }
  const words = reader.unsigned(rowCount * 4, 4);
  const textOffsets = offsetsOf(reader.unsigned(textCount, 2), textByteLength);
  const textBytes = reader.raw(textByteLength);
  reader.pad(8);
  for (let i = 0; i < rowCount; i++) {
    if (kinds[i]! > EventIdKind.text)
      throw new RangeError(`click batch: unknown event id kind ${kinds[i]}`);
    if (kinds[i] === EventIdKind.text && words[i * 4]! >= textCount) {
      throw new RangeError(`click batch: event id ${words[i * 4]} of ${textCount}`);
    }
  }
  return { kinds, words, textOffsets, textBytes };
}

function encodeIps(writer: SectionWriter, column: IpColumn): void {
  const { present, words } = column;
  let allV4 = true;
  for (let i = 0; i < present.length && allV4; i++) {
    allV4 =
      present[i] === 1 &&
      words[i * 4] === 0 &&
      words[i * 4 + 1] === 0 &&
      words[i * 4 + 2] === 0xffff;
  }
  writer.u8(allV4 ? 0 : 1);
  writer.pad(8);
  if (!allV4) {
    writer.raw(present);
    writer.pad(8);
    writer.array(words);
    return;
  }
  const addresses = new Uint32Array(present.length);
  for (let i = 0; i < addresses.length; i++) addresses[i] = words[i * 4 + 3]!;
  writer.array(addresses);
}

function decodeIps(reader: SectionReader, rowCount: number): IpColumn {
  const form = reader.u8();
  reader.pad(8);
  if (form === 1) {
    const present = reader.raw(rowCount);
    reader.pad(8);
    return { type: "ip", present, words: reader.unsigned(rowCount * 4, 4) };
  }
  if (form !== 0) throw new RangeError(`click batch addresses: unknown form ${form}`);
  const addresses = reader.unsigned(rowCount, 4);
  const words = new Uint32Array(rowCount * 4);
  for (let i = 0; i < rowCount; i++) {
    words[i * 4 + 2] = 0xffff;
    words[i * 4 + 3] = addresses[i]!;
  }
  return { type: "ip", present: new Uint8Array(rowCount).fill(1), words };
}

function widthOf(max: number): 1 | 2 | 4 {
  if (max <= 0xff) return 1;
  return max <= 0xffff ? 2 : 4;
}

function offsetsOf(lengths: Uint32Array, byteLength: number): Uint32Array {
  const offsets = new Uint32Array(lengths.length + 1);
  let end = 0;
  for (let i = 0; i < lengths.length; i++) {
    end += lengths[i]!;
    offsets[i + 1] = end;
  }
  if (end !== byteLength)
    throw new RangeError(`click batch: strings of ${end} bytes in ${byteLength}`);
  return offsets;
}
