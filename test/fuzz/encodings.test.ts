import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { decompress } from "../../src/ingest/decompress.ts";
import { CodedError } from "../../src/model/errors.ts";
import { Random } from "../../src/traffic/random.ts";
import { fuzz } from "./fuzz.ts";

const bytesMax = 65_536;

function outcomeOf(bytes: Uint8Array, encoding: string): Uint8Array | string {
  try {
    return decompress(bytes, encoding, bytesMax);
  } catch (error) {
    assert.ok(error instanceof CodedError, String((error as Error).stack));
    return error.code;
  }
}

/** What Node makes of the bytes without a bound on the content that this test could reach. */
function plainly(decode: () => Uint8Array): Uint8Array | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}

function checkGzip(bytes: Uint8Array): string {
  const found = outcomeOf(bytes, "gzip");
  const plain = plainly(() => gunzipSync(bytes));
  if (typeof found !== "string") {
    assert.ok(found.length <= bytesMax);
    assert.deepEqual(Buffer.from(found), plain);
    return "accepted";
  }
  if (found === "body_too_large") {
    // It was cut off at the bound, whatever might have been wrong behind it.
    assert.ok(plain === undefined || plain.length > bytesMax);
    return found;
  }
  assert.equal(found, "malformed_encoding");
  // Node passes over what follows a stream: then the stream is whole without the last byte too.
  if (plain !== undefined)
    assert.deepEqual(
      plainly(() => gunzipSync(bytes.subarray(0, -1))),
      plain,
    );
  return found;
}

function checkZstd(bytes: Uint8Array): string {
  const found = outcomeOf(bytes, "zstd");
  if (typeof found === "string") {
    assert.ok(["body_too_large", "malformed_encoding"].includes(found), found);
    return found;
  }
  assert.ok(found.length <= bytesMax);
  // Node reads the first frame alone.
  const first = zstdDecompressSync(bytes);
  assert.deepEqual(Buffer.from(found.subarray(0, first.length)), first);
  return "accepted";
}

const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

/** Streams one after the other, and their content. */
function anyStreams(
  random: Random,
  compress: (content: Uint8Array) => Uint8Array,
  between: Uint8Array,
): { bytes: Uint8Array; content: Buffer } {
  const contents = Array.from({ length: random.between(1, 6) }, () =>
    Buffer.alloc(random.between(0, 3000), String(random.word())),
  );
  const parts = contents.flatMap((content) => [
    ...(random.chance(0.3) ? [between] : []),
    compress(content),
  ]);
  return { bytes: Buffer.concat(parts), content: Buffer.concat(contents) };
}

describe("hostile compressed bodies", () => {
  it("of gzip give what they hold, whole and within the bound, or are refused", async (t) => {
    const tally = await fuzz({
      decoder: "gzip",
      mutants: 3000,
      dictionary: ["\u001f\u008b\u0008"],
      check: checkGzip,
      make: (_random, mutator) => mutator.nextInPlace(),
      tell: (message) => t.diagnostic(message),
    });
    for (const word of ["accepted", "malformed_encoding", "body_too_large"])
      assert.ok(tally.get(word)! > 50, `${word}: ${tally.get(word)}`);
  });

  it("of zstd give what they hold, whole and within the bound, or are refused", async (t) => {
    const tally = await fuzz({
      decoder: "zstd",
      mutants: 1200,
      dictionary: ["\u0028"],
      check: checkZstd,
      make: (_random, mutator) => mutator.nextInPlace(),
      tell: (message) => t.diagnostic(message),
    });
    for (const word of ["accepted", "malformed_encoding", "body_too_large"])
      assert.ok(tally.get(word)! > 50, `${word}: ${tally.get(word)}`);
  });

  it("of several streams give the content of all of them", () => {
    const random = new Random(Number(process.env["FUZZ_SEED"] ?? 1));
    for (const [encoding, compress, between] of [
      ["gzip", gzipSync, new Uint8Array(0)],
      ["zstd", zstdCompressSync, skippable],
    ] as const) {
      for (let i = 0; i < 150; i++) {
        const { bytes, content } = anyStreams(random, compress, between);
        assert.deepEqual(Buffer.from(decompress(bytes, encoding, bytesMax)), content);
      }
    }
  });
});
