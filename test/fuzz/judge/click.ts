/**
 * What a click is, written down once more and as plainly as can be: by this the decoders are judged. Takes the members
 * of one item and says which row it makes, or which field is wrong and how.
 */

import { createHash } from "node:crypto";
import { isIPv4, isIPv6 } from "node:net";
import type { ItemErrorCode } from "../../../src/model/errors.ts";
import { formatIp } from "../../../src/model/ip.ts";
import { canonical, Written } from "./json-text.ts";
import type { Value } from "./json-text.ts";

export interface JudgedRow {
  readonly ad_id: string;
  readonly time: number;
  readonly event_id: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

export interface Refusal {
  readonly code: ItemErrorCode;
  /** Undefined where it is not judged. */
  readonly field?: string;
}

export interface Rules {
  readonly receivedAtMs: number;
  readonly maxFutureMs: number;
  readonly unknownFields: "ignore" | "reject";
  readonly missingEventId: "derive" | "reject";
  /** Reads a time that is a text; undefined where it is none. */
  readonly parseTime: (text: string) => number | undefined;
}

const dimensions = { country: "country", device: "string", user_id: "string", ip: "ip" } as const;
const declared: ReadonlySet<string> = new Set([
  "ad_id",
  "click_timestamp",
  "event_id",
  ...Object.keys(dimensions),
]);
const year2200Ms = Date.UTC(2200, 0, 1);

/** The members of an item by name, none twice. */
export function judgeClick(members: ReadonlyMap<string, Value>, rules: Rules): JudgedRow | Refusal {
  const badText = (field: string, bytesMax: number): Refusal | undefined => {
    const value = members.get(field) ?? null;
    if (value === null) return { field, code: "missing_field" };
    if (typeof value !== "string") return { field, code: "invalid_type" };
    if (value === "") return { field, code: "empty_field" };
    return Buffer.byteLength(value) > bytesMax ? { field, code: "field_too_long" } : undefined;
  };
  const time = judgeTime(members.get("click_timestamp") ?? null, rules);
  const derives = (members.get("event_id") ?? null) === null && rules.missingEventId === "derive";
  const values = new Map(
    Object.entries(dimensions).map(([name, type]) => [
      name,
      judgeDimension(name, type, members.get(name) ?? null),
    ]),
  );
  const problem =
    badText("ad_id", 256) ??
    (typeof time === "number" ? undefined : time) ??
    (derives ? undefined : badText("event_id", 128)) ??
    [...values.values()].find((value) => typeof value === "object") ??
    judgeUnknown(members, rules);
  if (problem) return problem;
  return {
    ad_id: members.get("ad_id") as string,
    time: time as number,
    event_id: derives ? derivedId(members) : (members.get("event_id") as string),
    dimensions: Object.fromEntries(
      [...values].filter((entry): entry is [string, string] => typeof entry[1] === "string"),
    ),
  };
}

export function undeclaredOf(members: ReadonlyMap<string, Value>): string[] {
  return [...members.keys()].filter((name) => !declared.has(name));
}

function judgeUnknown(members: ReadonlyMap<string, Value>, rules: Rules): Refusal | undefined {
  const isRefused = rules.unknownFields === "reject" && undeclaredOf(members).length > 0;
  return isRefused ? { code: "unknown_field" } : undefined;
}

function judgeTime(value: Value, rules: Rules): number | Refusal {
  const refused = (code: ItemErrorCode): Refusal => ({ field: "click_timestamp", code });
  if (value === null) return refused("missing_field");
  if (value === "") return refused("empty_field");
  if (typeof value !== "string" && !(value instanceof Written)) return refused("invalid_type");
  const time = typeof value === "string" ? rules.parseTime(value) : Number(value.text);
  if (time === undefined || !Number.isInteger(time)) return refused("invalid_timestamp");
  if (time < 0 || time >= year2200Ms) return refused("invalid_timestamp");
  return time > rules.receivedAtMs + rules.maxFutureMs ? refused("future_timestamp") : time + 0;
}

/** Undefined where it is missing. */
function judgeDimension(
  field: string,
  type: "string" | "country" | "ip",
  value: Value,
): string | Refusal | undefined {
  if (value === null || value === "") return undefined;
  const text = value instanceof Written ? value.text : value;
  if (typeof text === "object") return { field, code: "invalid_type" };
  const shown = String(text);
  if (Buffer.byteLength(shown) > 256) return { field, code: "field_too_long" };
  if (type === "country") {
    if (!/^[A-Za-z]{2}$/.test(shown)) return { field, code: "invalid_country" };
    return shown.toUpperCase();
  }
  if (type !== "ip") return shown;
  const words = wordsOfIp(shown);
  return words ? formatIp(words, 0) : { field, code: "invalid_ip" };
}

function wordsOfIp(text: string): Uint32Array | undefined {
  if (isIPv4(text)) return wordsOfIp(`::ffff:${text}`);
  if (!isIPv6(text) || text.includes("%")) return undefined;
  const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const hex = (high: string, low: string) => (Number(high) * 256 + Number(low)).toString(16);
  const plain = dotted
    ? `${text.slice(0, dotted.index)}${hex(dotted[1]!, dotted[2]!)}:${hex(dotted[3]!, dotted[4]!)}`
    : text;
  const [head = "", tail] = plain.split("::");
  const groups = (side: string) => (side === "" ? [] : side.split(":"));
  const [before, after] = [groups(head), groups(tail ?? "")];
  const between = Array.from({ length: 8 - before.length - after.length }, () => "0");
  const all = [...before, ...between, ...after].map((group) => Number.parseInt(group, 16));
  return Uint32Array.from({ length: 4 }, (_, i) => all[2 * i]! * 65_536 + all[2 * i + 1]!);
}

/** `2026-11-23T10:00:00.123Z` with any offset, a fraction cut off to milliseconds. */
export function parseRfc3339(text: string): number | undefined {
  const match =
    /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/.exec(
      text,
    );
  if (!match) return undefined;
  const [
    ,
    year,
    month,
    day,
    hour,
    minute,
    second,
    fraction = "",
    sign,
    hours = "0",
    minutes = "0",
  ] = match;
  const date = new Date(`${year}-${month}-${day}T00:00:00.000Z`);
  // Date.parse lets the 31st of every month pass.
  const exists = !Number.isNaN(date.getTime()) && date.getUTCDate() === Number(day);
  if (!exists || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
  const offsetMinutes = (Number(hours) * 60 + Number(minutes)) * (sign === "-" ? -1 : 1);
  return (
    date.getTime() +
    ((Number(hour) * 60 + Number(minute) - offsetMinutes) * 60 + Number(second)) * 1000 +
    Number(fraction.padEnd(3, "0").slice(0, 3))
  );
}

/** As the head of derived-event-id.ts defines it. */
function derivedId(members: ReadonlyMap<string, Value>): string {
  const hash = createHash("sha256").update(u32(1));
  const texts = [...members].map(([name, value]) => [name, textOf(value)] as const);
  const bytes = texts
    .filter(([, text]) => text !== "")
    .map(([name, text]) => [Buffer.from(name), Buffer.from(text)] as const)
    .toSorted(([a], [b]) => Buffer.compare(a, b));
  for (const [name, text] of bytes)
    hash.update(u32(name.length)).update(name).update(u32(text.length)).update(text);
  return `derived:${hash.digest("hex").slice(0, 32)}`;
}

function textOf(value: Value): string {
  if (value === null) return "";
  return typeof value === "string" ? value : canonical(value);
}

function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
