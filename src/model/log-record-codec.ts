/**
 * The binary form of a LogRecord, the value that every queue adapter carries. Little-endian.
 *
 *   record  = u8 version(1), u8 kind, u8 flags (bit 0: history), u8 0, u32 headLength, f64 receivedAtMs,
 *             head (UTF-8 JSON), pad to 8, body
 *   kind    = 0 clicks   head {source}          body: click batch
 *             1 tick     head {}                no body
 *             2 rejects  head {source, counts}  no body
 *             3 control  head: the control      no body
 */

import { decodeClickBatch, encodeClickBatch } from "./click-batch-codec.ts";
import type { Control, LogRecord, RejectsRecord } from "./log-record.ts";

const version = 1;
const kinds = ["clicks", "tick", "rejects", "control"] as const;
const headerBytes = 16;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const historyFlag = 1;

export function encodeLogRecord(record: LogRecord): Uint8Array {
  const head = new TextEncoder().encode(JSON.stringify(headOf(record)));
  const body = record.kind === "clicks" ? encodeClickBatch(record.batch) : new Uint8Array(0);
  const bodyStart = alignedTo8(headerBytes + head.length);
  const bytes = new Uint8Array(bodyStart + body.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = version;
  bytes[1] = kinds.indexOf(record.kind);
  bytes[2] = record.kind === "clicks" && record.history ? historyFlag : 0;
  view.setUint32(4, head.length, true);
  view.setFloat64(8, record.receivedAtMs, true);
  bytes.set(head, headerBytes);
  bytes.set(body, bodyStart);
  return bytes;
}

/** Throws a RangeError where the bytes are no record. */
export function decodeLogRecord(bytes: Uint8Array): LogRecord {
  if (bytes.length < headerBytes) throw new RangeError("log record ends early");
  if (bytes[0] !== version)
    throw new RangeError(`log record version ${bytes[0]}, known: ${version}`);
  const kind = kinds[bytes[1]!];
  // A flag that is not known would change what the record means.
  if (bytes[2]! > (kind === "clicks" ? historyFlag : 0) || bytes[3] !== 0)
    throw new RangeError(`log record with unknown flags ${bytes[2]}, ${bytes[3]}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headLength = view.getUint32(4, true);
  const receivedAtMs = view.getFloat64(8, true);
  if (!Number.isFinite(receivedAtMs))
    throw new RangeError(`log record received at ${receivedAtMs}`);
  const bodyStart = alignedTo8(headerBytes + headLength);
  if (bodyStart > bytes.length) throw new RangeError("log record ends early");
  const head = parseHead(bytes.subarray(headerBytes, headerBytes + headLength));
  if (kind === "clicks") {
    const source = sourceOf(head);
    const batch = decodeClickBatch(bytes.subarray(bodyStart));
    return { kind, receivedAtMs, source, history: bytes[2] === historyFlag, batch };
  }
  if (bodyStart !== bytes.length) throw new RangeError("log record with bytes after its head");
  switch (kind) {
    case "tick":
      return { kind, receivedAtMs };
    case "rejects":
      return { kind, receivedAtMs, source: sourceOf(head), counts: countsOf(head) };
    case "control":
      return { kind, receivedAtMs, control: controlOf(head) };
    default:
      throw new RangeError(`log record of unknown kind ${bytes[1]}`);
  }
}

function headOf(record: LogRecord): object {
  switch (record.kind) {
    case "clicks":
      return { source: record.source };
    case "tick":
      return {};
    case "rejects":
      return { source: record.source, counts: record.counts };
    case "control":
      return record.control;
  }
}

type Head = Readonly<Record<string, unknown>>;

function parseHead(bytes: Uint8Array): Head {
  let head: unknown;
  try {
    head = JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw new RangeError("log record with an unreadable head", { cause });
  }
  if (!isObject(head)) throw new RangeError("log record whose head is no object");
  return head;
}

function isObject(value: unknown): value is Head {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sourceOf(head: Head): string {
  const { source } = head as { source?: unknown };
  if (typeof source !== "string") throw new RangeError("log record without a source");
  return source;
}

function countsOf(head: Head): RejectsRecord["counts"] {
  const { counts } = head as { counts?: unknown };
  if (!isObject(counts) || !Object.values(counts).every(isCount)) {
    throw new RangeError("log record of rejects without counts");
  }
  return counts;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0);
}

/** What stands in a control is checked by who wrote it; here only that it is one. */
function controlOf(head: Head): Control {
  const type = String(head["type"]);
  if (Object.hasOwn(membersOfControls, type) && membersOfControls[type]!(head))
    return head as unknown as Control;
  throw new RangeError(`log record of an unknown control ${JSON.stringify(head["type"])}`);
}

const membersOfControls: Readonly<Record<string, (head: Head) => boolean>> = {
  config: ({ config }) => isObject(config),
  ad_attributes: ({ changes }) => Array.isArray(changes),
  void: ({ id, identities }) => typeof id === "string" && Array.isArray(identities),
  release: ({ id, from_minute }) => typeof id === "string" && Number.isSafeInteger(from_minute),
  retention: ({ raw_before_day: raw, minute_before_day: minute }) =>
    Number.isSafeInteger(raw) && Number.isSafeInteger(minute),
  close: ({ id, through_minute }) => typeof id === "string" && Number.isSafeInteger(through_minute),
  recompute: ({ id, from_minute }) => typeof id === "string" && Number.isSafeInteger(from_minute),
  erase: ({ id, field, values }) =>
    typeof id === "string" && typeof field === "string" && Array.isArray(values),
  rollback: ({ id, recompute_id }) => typeof id === "string" && typeof recompute_id === "string",
};

function alignedTo8(length: number): number {
  return Math.ceil(length / 8) * 8;
}
