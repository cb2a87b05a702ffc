import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { readRecording, withTime } from "../../src/commands/recorded-clicks.ts";

const lines = [
  '{"ad_id":"a","click_timestamp":"2026-01-15T12:00:00.250Z","big":12345678901234567890}',
  '{"click_timestamp" : 1768478401000, "ad_id":"é"}',
  "not JSON",
];

void test("a recording's lines come as they are, with the times of their clicks", async (context) => {
  const directory = await mkdtemp(join(tmpdir(), "clicktally-recording-"));
  context.after(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, "r.ndjson.gz");
  await writeFile(path, gzipSync(`${lines[0]}\n\n${lines[1]}\r\n${lines[2]}`));
  const read = await Array.fromAsync(readRecording(path));
  assert.deepEqual(
    read.map(({ line }) => line.trimEnd()),
    lines,
  );
  assert.deepEqual(
    read.map(({ timeMs }) => timeMs),
    [1_768_478_400_250, 1_768_478_401_000, undefined],
  );
  await assert.rejects(Array.fromAsync(readRecording("r.csv")), /send takes NDJSON/);
});

void test("another time is written as the one before was, and nothing else changes", () => {
  assert.equal(
    withTime({ line: lines[0]!, timeMs: 0 }, 1_768_478_460_250),
    '{"ad_id":"a","click_timestamp":"2026-01-15T12:01:00.250Z","big":12345678901234567890}',
  );
  assert.equal(
    withTime({ line: lines[1]!, timeMs: 0 }, 1_768_478_400_000),
    '{"click_timestamp" : 1768478400000, "ad_id":"é"}',
  );
  assert.equal(withTime({ line: lines[2]!, timeMs: undefined }, 60_000), lines[2]);
});
