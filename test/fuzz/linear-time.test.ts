import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Worker } from "node:worker_threads";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** What takes time by the square of this takes hours; what is linear is done in a second or so. */
const size = 1_000_000;
const deadlineMs = 60_000;
/** Of JavaScript's own objects; a decoder that made a thousand bytes of one would need more. */
const heapMbMax = 512;

const csvHead = "ad_id,click_timestamp\n";
const filling = (text: string): string => text.repeat(Math.ceil(size / text.length));

const inputs: readonly (readonly [decoder: string, what: string, input: string | Uint8Array])[] = [
  ["json", "brackets that open", filling("[")],
  ["json", "brackets that open and close", "[".repeat(size / 2) + "]".repeat(size / 2)],
  ["json", "objects in objects", filling('{"a":')],
  ["json", "escapes", `{"ad_id":"${filling("\\u0061")}"}`],
  ["json", "backslashes", `{"ad_id":"${filling("\\\\")}"}`],
  ["json", "escapes and no end", `{"ad_id":"${filling("\\n")}`],
  ["json", "white space", filling(" \t\n\r")],
  ["json", "white space between tokens", `[${filling(" \n")}{}${filling(" ")},1]`],
  ["json", "a number's digits", `{"n":${filling("9")}}`],
  ["json", "commas", `[${filling(",")}`],
  ["json", "strings that close at once", `[${filling('"",')}0]`],
  ["json", "empty objects", `[${filling("{},")}{}]`],
  [
    "json",
    "undeclared names",
    `{"ad_id":"a","click_timestamp":1,${Array.from({ length: 60_000 }, (_, i) => `"f${i}":1`).join(",")}}`,
  ],
  ["json", "one name again and again", `{${filling('"a":1,')}"ad_id":"a"}`],
  ["json", "names with escapes", `{${filling('"\\u0061":1,')}"ad_id":"a"}`],
  ["json", "objects in 64 levels", filling(`${"[".repeat(60)}${"]".repeat(60)}\n`)],
  ["ndjson", "lines of a brace", filling("{\n")],
  ["ndjson", "lines of a string without an end", filling('{"a":"\n')],
  ["ndjson", "empty lines", filling("\n")],
  ["ndjson", "one line of braces", filling("{}")],
  ["ndjson", "lines of bytes that are no UTF-8", new Uint8Array(size).fill(0xff)],
  ["imported NDJSON", "one line without an end", filling('{"a":[')],
  ["imported NDJSON", "lines of a string without an end", filling('{"a":"\n')],
  ["imported NDJSON", "a line beyond the bound in many blocks", filling('"').repeat(8)],
  ["imported CSV", "a header of commas", filling(",")],
  ["imported CSV", "a header without an end", filling("a")],
  ["imported CSV", "quotes", csvHead + filling('"')],
  ["imported CSV", "lines that open a quote", csvHead + filling('"a\n')],
  ["imported CSV", "lines that open a quote after others", csvHead + filling('a,"b\n')],
  ["imported CSV", "a quote that never closes", `${csvHead}"${filling("a\n")}`],
  [
    "imported CSV",
    "quotes that never close in many blocks",
    csvHead + filling('"a,\n"",').repeat(8),
  ],
  ["imported CSV", "commas", csvHead + filling(",")],
  ["imported CSV", "carriage returns", csvHead + filling("\r")],
  ["imported CSV", "empty lines", csvHead + filling("\r\n")],
  ["batch", "zeros", new Uint8Array(size)],
  [
    "batch",
    "columns of no rows",
    Uint8Array.from({ length: size }, (_, i) => (i === 0 ? 1 : i === 11 ? 255 : 0)),
  ],
  ["record", "a head of brackets", recordOf(`{"source":${filling("[")}`)],
  ["record", "a control of brackets", recordOf(`{"type":${"[".repeat(9e4)}${"]".repeat(9e4)}}`)],
  ["gzip", "a bomb", gzipSync(new Uint8Array(200e6))],
  ["gzip", "members", Buffer.concat(Array.from({ length: 20_000 }, () => gzipSync("")))],
  ["zstd", "a bomb", zstdCompressSync(new Uint8Array(200e6))],
  ["zstd", "frames", Buffer.concat(Array.from({ length: 50_000 }, () => zstdCompressSync("")))],
  ["filter", "parentheses", filling("(")],
  ["filter", "operators", filling("a==b;")],
  ["filter", "parentheses up to the bound", "(".repeat(8192)],
  ["filter", "operators up to the bound", "a==b;".repeat(1638)],
  ["filter", "equal signs up to the bound", `a${"=".repeat(8000)}`],
  ["filter", "white space up to the bound", `a${" ".repeat(8000)}==`],
  ["filter", "backslashes up to the bound", `a=="${"\\".repeat(8000)}`],
  ["window", "digits", filling("1")],
  ["from", "digits", filling("1")],
  ["from", "a fraction", `2026-11-23T10:00:00.${filling("1")}`],
  ["tz", "letters", filling("a")],
  ["tz", "slashes", filling("A/")],
  ["by", "commas", filling(",")],
  ["by", "white space", filling(" ")],
  ["limit", "digits", filling("1")],
  ["cursor", "brackets", filling("[")],
  ["cursor", "numbers", `[1,${filling("1,")}1]`],
  ["variable", "a long name", filling("A")],
  ["variable", "brackets", "[".repeat(1000)],
  ["file", "a long key", `? ${filling("x")}\n: 1\n`],
  [
    "file",
    "keys that nobody knows",
    Array.from({ length: 5000 }, (_, i) => `waterman${i}: 1\n`).join(""),
  ],
  ["file", "a long value", `host: ${filling("x")}\n`],
  ["file", "names", `ads: [${filling("a, ")}]\n`],
];

/** A control record with this head. */
function recordOf(head: string): Uint8Array {
  const bytes = Buffer.alloc(Math.ceil((16 + head.length) / 8) * 8);
  bytes.set([1, 3]);
  bytes.writeUInt32LE(head.length, 4);
  bytes.write(head, 16);
  return bytes;
}

describe("large hostile inputs", () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let worker: Worker;
  before(async () => {
    directory = await temporaryDirectory();
    worker = new Worker(join(import.meta.dirname, "decode-large.ts"), {
      env: { ...process.env, FUZZ_CONFIG_PATH: join(directory.path, "clicktally.yaml") },
      resourceLimits: { maxOldGenerationSizeMb: heapMbMax },
    });
  });
  after(async () => {
    await worker.terminate();
    await directory[Symbol.asyncDispose]();
  });

  for (const [decoder, what, input] of inputs) {
    it(`are decoded in time by their size: ${decoder}, ${what}`, async () => {
      const bytes = typeof input === "string" ? Buffer.from(input) : input;
      const signal = AbortSignal.timeout(deadlineMs);
      worker.postMessage({ what: decoder, bytes }, []);
      // Also where the worker ends for want of memory: `once` rejects with its error.
      const [outcome] = (await once(worker, "message", { signal })) as [string];
      assert.match(outcome, /^(?:decoded|RangeError|[a-z_]+)$/);
    });
  }
});
