/**
 * How far each partition was acknowledged: `queue.sqlite.acked`, beside the queue.
 *
 * SQLite takes a damaged frame of its WAL, or a WAL that is gone, for the end of the log, without a word. So the writer
 * notes where the log ends after each commit, and a log that ends before that has lost acknowledged records.
 *
 * The note is a lower bound: it is written after the COMMIT of what it covers has returned, and never synced. What a
 * power loss leaves of it may be older than the log, never ahead of it.
 *
 * Two slots of 4 KB, written in turn, so that a write which is torn leaves the other. Little-endian; a slot is
 *
 *    0  u32  "ctla"
 *    4  u32  CRC-32 of what follows
 *    8  u32  version of this format
 *   12  u32  number of partitions
 *   16  f64  number of this note: of two good slots the higher one counts
 *   24  f64  for each partition, the offset that the next append gets
 */

import { closeSync, constants, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";
import { CodedError } from "../../model/errors.ts";
import { storageFailure } from "./failures.ts";

const formatVersion = 1;
const magic = 0x616c7463;
const headBytes = 24;
/** Room for 256 partitions. */
const slotBytes = 4_096;

interface Note {
  readonly number: number;
  readonly nextOffsets: Float64Array;
}

function ackedEndsPath(queuePath: string): string {
  return `${queuePath}.acked`;
}

/**
 * Throws `data_corrupt` where the log of the queue at `queuePath` ends before what was acknowledged. Changes nothing.
 * Where no good note is left, nothing is known.
 */
export function checkAckedEnds(queuePath: string, nextOffsets: Float64Array): void {
  const note = readNote(queuePath);
  if (!note) return;
  const path = ackedEndsPath(queuePath);
  if (note.nextOffsets.length !== nextOffsets.length) {
    throw new CodedError(
      "data_corrupt",
      `${path} knows ${note.nextOffsets.length} partitions, the click queue has ${nextOffsets.length}: ` +
        "they are not of one data directory",
      { details: { path } },
    );
  }
  for (const [partition, acked] of note.nextOffsets.entries()) {
    const end = nextOffsets[partition]!;
    if (end >= acked) continue;
    throw new CodedError(
      "data_corrupt",
      `the click queue ${queuePath} ends at offset ${end} of partition ${partition}, but everything before offset ` +
        `${acked} was acknowledged: its write-ahead log ${queuePath}-wal is damaged, or not the one that belongs to it. ` +
        `Nothing was changed. Put the right ${queuePath}-wal back, or restore the data directory; to go on without the ` +
        `clicks that were acknowledged and are missing, remove ${path}`,
      { details: { partition, nextOffset: end, ackedOffset: acked } },
    );
  }
}

/** Belongs to the queue's only writer. */
export class AckedEnds implements Disposable {
  private readonly file: number;
  private readonly slot: Buffer;
  private number: number;

  /** The file is made where it is missing. */
  constructor(queuePath: string, nextOffsets: Float64Array) {
    this.number = readNote(queuePath)?.number ?? 0;
    this.slot = Buffer.alloc(headBytes + nextOffsets.length * 8);
    this.slot.writeUInt32LE(magic, 0);
    this.slot.writeUInt32LE(formatVersion, 8);
    this.slot.writeUInt32LE(nextOffsets.length, 12);
    this.file = openFile(ackedEndsPath(queuePath));
    this.note(nextOffsets);
    this.note(nextOffsets);
  }

  /** To be called when the commit that appended up to here has returned. */
  note(nextOffsets: Float64Array): void {
    const { slot } = this;
    slot.writeDoubleLE(++this.number, 16);
    for (const [partition, offset] of nextOffsets.entries())
      slot.writeDoubleLE(offset, headBytes + partition * 8);
    slot.writeUInt32LE(crc32(slot.subarray(8)), 4);
    try {
      writeSync(this.file, slot, 0, slot.length, (this.number % 2) * slotBytes);
    } catch {
      // The records are durable and their senders are told so. An older note is a bound too, a lower one.
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.file);
  }
}

function openFile(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  } catch (error) {
    throw storageFailure(error, `${path} can't be opened`);
  }
}

/** The newest good note; undefined where there is none. */
function readNote(queuePath: string): Note | undefined {
  const path = ackedEndsPath(queuePath);
  if (!existsSync(path)) return undefined;
  const content = readFileSync(path);
  const notes = [0, slotBytes].flatMap((at) => parseSlot(content.subarray(at), path) ?? []);
  return notes.toSorted((a, b) => b.number - a.number)[0];
}

function parseSlot(slot: Buffer, path: string): Note | undefined {
  if (slot.length < headBytes || slot.readUInt32LE(0) !== magic) return undefined;
  const partitionCount = slot.readUInt32LE(12);
  const length = headBytes + partitionCount * 8;
  if (slot.length < length) return undefined;
  if (crc32(slot.subarray(8, length)) !== slot.readUInt32LE(4)) return undefined;
  const version = slot.readUInt32LE(8);
  if (version > formatVersion) {
    throw new CodedError(
      "data_format_newer",
      `${path} has format ${version}, this release knows up to ${formatVersion}: use a newer release`,
      { details: { path, found: version, known: formatVersion } },
    );
  }
  const nextOffsets = Float64Array.from({ length: partitionCount }, (_, partition) =>
    slot.readDoubleLE(headBytes + partition * 8),
  );
  return { number: slot.readDoubleLE(16), nextOffsets };
}
