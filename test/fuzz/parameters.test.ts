import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { resolveRange } from "../../src/model/window.ts";
import type { MinuteRange, RangeParameters } from "../../src/model/window.ts";
import { bucketStarts } from "../../src/query/calendar.ts";
import { formatCursor, isWholeNumber, parseCursor } from "../../src/query/cursor.ts";
import {
  adIdParameter,
  bucketsParameter,
  byParameter,
  asOfParameter,
  wholeNumberParameter,
} from "../../src/query/parameters.ts";
import type { Random } from "../../src/traffic/random.ts";
import { refusalOf } from "./coded-error.ts";
import { readCorpus } from "./corpus.ts";
import { fuzz } from "./fuzz.ts";
import { judgeRange } from "./judge/range.ts";
import type { Mutator } from "./mutate.ts";

const ends = { nowMs: 1_795_428_030_000, finalThroughMinute: 29_923_797 };
const known = new Map([
  ["ad_id", "string"],
  ["country", "country"],
  ["device", "string"],
  ["ad.campaign_id", "string"],
] as const);
const minutesMax = 400 * 1440;
const lastMinute = Date.UTC(2200, 0, 1) / 60_000;
const currentCommit = 7;

type Parameters = Readonly<Record<string, string>>;

function assertRange({ fromMinute, toMinute }: MinuteRange): void {
  assert.ok(Number.isSafeInteger(fromMinute) && Number.isSafeInteger(toMinute));
  assert.ok(fromMinute >= 0 && fromMinute < toMinute && toMinute <= lastMinute);
  assert.ok(toMinute - fromMinute <= minutesMax, "longer than 400 days");
}

/** Undefined where the parameters are no parameters: names and texts. */
function parametersIn(input: Uint8Array): Parameters | undefined {
  try {
    const found: unknown = JSON.parse(Buffer.from(input).toString());
    if (typeof found !== "object" || found === null || Array.isArray(found)) return undefined;
    return Object.fromEntries(
      Object.entries(found).map(([name, value]) => [
        name,
        typeof value === "string" ? value : JSON.stringify(value),
      ]),
    );
  } catch {
    return undefined;
  }
}

function check(input: Uint8Array): string {
  const parameters = parametersIn(input);
  if (parameters === undefined) return "none";
  const range = checkRange(parameters);
  const isSeries = checkBuckets(parameters, range);
  checkNumbers(parameters);
  checkTexts(parameters);
  checkCursor(parameters["cursor"] ?? "", "query");
  if (range === undefined) return "no range";
  return isSeries ? "series" : "range";
}

function checkRange(parameters: RangeParameters): MinuteRange | undefined {
  let range: MinuteRange | undefined;
  const refusal = refusalOf(() => (range = resolveRange(parameters, ends)), ["invalid_parameter"]);
  const judged = judgeRange(parameters, ends);
  if (refusal) {
    assert.equal(judged, undefined, `was refused: ${refusal.message}`);
    assert.ok(["window", "end", "from", "to"].includes(refusal.field!));
    return undefined;
  }
  assert.deepEqual(range, judged);
  assertRange(range!);
  return range;
}

function checkBuckets({ granularity, tz }: Parameters, range: MinuteRange | undefined): boolean {
  let starts: number[] | undefined;
  const refusal = refusalOf(() => {
    const buckets = bucketsParameter(granularity, tz);
    if (buckets && range) starts = bucketStarts(range, buckets.granularity, buckets.timeZone);
  }, ["invalid_parameter", "range_too_large"]);
  if (refusal) assert.ok(["granularity", "tz"].includes(refusal.field!));
  if (starts === undefined || range === undefined) return false;
  assert.equal(starts[0], range.fromMinute);
  assert.ok(starts.length <= 10_000);
  for (const [i, start] of starts.entries()) {
    assert.ok(Number.isInteger(start) && start < range.toMinute);
    if (i > 0) assert.ok(start > starts[i - 1]!, "buckets out of order");
    if (i > 0 && granularity === "minute") assert.equal(start, starts[i - 1]! + 1);
  }
  return true;
}

function checkNumbers(parameters: Parameters): void {
  for (const [name, most] of [
    ["limit", 100_000],
    ["topN", 1000],
  ] as const) {
    const text = parameters[name];
    let value: number | undefined;
    const bounds = { least: 1, most, otherwise: 10 };
    const refusal = refusalOf(
      () => (value = wholeNumberParameter(name, text, bounds)),
      ["invalid_parameter"],
    );
    const isWhole = /^\d+$/.test(text ?? "10") && BigInt(text ?? "10") <= BigInt(most);
    const isTaken = isWhole && BigInt(text ?? "10") >= 1n && (text ?? "").length <= 15;
    assert.equal(refusal === undefined, isTaken, `${name} ${text}`);
    if (isTaken) assert.equal(value, Number(text ?? "10"));
    else assert.equal(refusal!.field, name);
  }
  const asOf = parameters["as_of"];
  const refusal = refusalOf(() => asOfParameter(asOf, currentCommit), ["invalid_parameter"]);
  if (asOf !== undefined && /^\d{1,15}$/.test(asOf))
    assert.equal(refusal === undefined, Number(asOf) >= 1 && Number(asOf) <= currentCommit);
}

function checkTexts({ by, ad_id: adId }: Parameters): void {
  let fields: string[] = [];
  const refusal = refusalOf(
    () => (fields = byParameter(by, known)),
    ["invalid_parameter", "unknown_dimension"],
  );
  if (refusal) assert.equal(refusal.field, "by");
  assert.ok(fields.length <= 3 && new Set(fields).size === fields.length);
  assert.ok(fields.every((field) => known.has(field as "ad_id")));
  if (adId === undefined) return;
  const refused = refusalOf(() => adIdParameter(adId), ["invalid_parameter"]);
  const bytes = Buffer.byteLength(adId);
  assert.equal(refused === undefined, bytes >= 1 && bytes <= 256);
}

/** A cursor is taken as given out by this query, with a range that the query could have had; or refused. */
function checkCursor(text: string, query: string): string {
  let range: MinuteRange | undefined;
  const readAfter = (values: readonly unknown[]) =>
    values.every(isWholeNumber) ? values : undefined;
  const refusal = refusalOf(
    () => (range = parseCursor(text, query, readAfter).range),
    ["invalid_parameter"],
  );
  if (refusal) {
    assert.equal(refusal.field, "cursor");
    return "refused";
  }
  assertRange(range!);
  return "accepted";
}

/** Parameters of the corpus, mixed and with their texts changed. */
function anyParameters(random: Random, mutator: Mutator): Uint8Array {
  const entries = readParameters();
  const mixed = { ...random.pick(entries), ...(random.chance(0.5) ? random.pick(entries) : {}) };
  const changed = Object.entries(mixed).map(([name, value]) => [
    name,
    random.chance(0.3) ? Buffer.from(mutator.edit(Buffer.from(value))).toString() : value,
  ]);
  return Buffer.from(JSON.stringify(Object.fromEntries(changed)));
}

/** A cursor that was given out with another range. */
function forgedCursor(given: string, random: Random, mutator: Mutator): string {
  const content = JSON.parse(Buffer.from(given, "base64url").toString()) as (string | number)[];
  const minutes = [0, 1, lastMinute, lastMinute + 1, minutesMax, minutesMax + 1, 29_923_000, -1];
  const [from, to] = [random.pick(minutes), random.pick(minutes)];
  const after = random.chance(0.2) ? [mutator.token()] : [random.pick(minutes)];
  return JSON.stringify([...content.slice(0, 2), from, to, ...after]);
}

let corpusParameters: readonly Parameters[] | undefined;
function readParameters(): readonly Parameters[] {
  corpusParameters ??= readCorpus("parameters").map(({ bytes }) => parametersIn(bytes)!);
  return corpusParameters;
}

describe("hostile parameters", () => {
  it("are refused by name, or give what they say within the bounds", async (t) => {
    const tally = await fuzz({
      decoder: "parameters",
      mutants: 6000,
      dictionary: [
        "2026-11-23T09:00:00Z",
        "+14:00",
        "400d",
        "7258118400000",
        "Europe/Berlin",
        "hour",
      ],
      check,
      make: anyParameters,
      tell: (message) => t.diagnostic(message),
    });
    for (const word of ["range", "series", "no range"])
      assert.ok(tally.get(word)! > 100, `${word}: ${tally.get(word)}`);
  });

  it("that are a cursor open no range that the query itself could not have", async (t) => {
    const range = { fromMinute: 29_923_000, toMinute: 29_923_800 };
    const given = formatCursor(range, [1, 2], "query");
    assert.equal(checkCursor(given, "query"), "accepted");
    assert.equal(checkCursor(given, "another query"), "refused");
    const content = Buffer.from(given, "base64url");
    const tally = await fuzz({
      decoder: "cursor",
      mutants: 4000,
      dictionary: ["-1", "9007199254740991", "9007199254740993", "null", "[]", ",", "1.5"],
      seeds: [{ name: "one that was given out", bytes: content }],
      make: (random, mutator) => Buffer.from(forgedCursor(given, random, mutator)),
      check: (bytes) => checkCursor(Buffer.from(bytes).toString("base64url"), "query"),
      tell: (message) => t.diagnostic(message),
    });
    for (const word of ["accepted", "refused"])
      assert.ok(tally.get(word)! > 100, `${word}: ${tally.get(word)}`);
  });
});
