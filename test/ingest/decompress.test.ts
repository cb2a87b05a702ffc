import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { decompress } from "../../src/ingest/decompress.ts";
import type { ErrorCode } from "../../src/model/errors.ts";
import { CodedError } from "../../src/model/errors.ts";

const content = Buffer.from("a line of clicks\n".repeat(1000));

function assertRefused(
  code: ErrorCode,
  bytes: Uint8Array,
  encoding: string,
  bytesMax = 1e6,
): CodedError {
  try {
    decompress(bytes, encoding, bytesMax);
  } catch (error) {
    assert.ok(error instanceof CodedError, String(error));
    assert.equal(error.code, code);
    return error;
  }
  assert.fail("it was taken");
}

describe("decompress", () => {
  it("hands on what is not encoded", () => {
    assert.equal(decompress(content, "identity", content.length), content);
    assert.equal(decompress(content, "", content.length), content);
    assertRefused("body_too_large", content, "identity", content.length - 1);
  });

  it("refuses other encodings and names those it knows", () => {
    for (const encoding of ["br", "deflate", "gzip, gzip", "nonsense"]) {
      assert.match(
        assertRefused("unsupported_encoding", content, encoding).message,
        /identity, gzip, zstd/,
      );
    }
  });

  const encodings: [name: string, compress: (bytes: Uint8Array) => Buffer][] = [
    ["gzip", (bytes) => gzipSync(bytes)],
    ["zstd", (bytes) => zstdCompressSync(bytes)],
    [
      "zstd",
      (bytes) => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
    ],
  ];
  for (const [index, [name, compress]] of encodings.entries()) {
    const whole = compress(content);
    describe(`of ${name} (${index})`, () => {
      it("gives the content back", () => {
        assert.deepEqual(Buffer.from(decompress(whole, name, 1e6)), content);
        assert.deepEqual(Buffer.from(decompress(whole, name.toUpperCase(), 1e6)), content);
        assert.deepEqual(decompress(compress(Buffer.alloc(0)), name, 1e6).length, 0);
      });

      it("reads streams that follow each other", () => {
        const twice = Buffer.concat([whole, compress(Buffer.from("more")), whole]);
        const expected = Buffer.concat([content, Buffer.from("more"), content]);
        assert.deepEqual(Buffer.from(decompress(twice, name, 1e6)), expected);
      });

      it("may fill the limit and not pass it", () => {
        assert.equal(decompress(whole, name, content.length).length, content.length);
        assertRefused("body_too_large", whole, name, content.length - 1);
        assertRefused("body_too_large", Buffer.concat([whole, whole]), name, content.length);
        assertRefused(
          "body_too_large",
          Buffer.concat([whole, whole]),
          name,
          2 * content.length - 1,
        );
        assertRefused("body_too_large", compress(Buffer.from("x")), name, 0);
      });

      it("refuses a stream that is cut off anywhere", () => {
        for (let length = 0; length < whole.length; length++) {
          assertRefused("malformed_encoding", whole.subarray(0, length), name);
          assertRefused(
            "malformed_encoding",
            Buffer.concat([whole, whole.subarray(0, Math.max(length, 1))]),
            name,
          );
        }
      });

      it("refuses what follows a stream and is none", () => {
        for (const rest of [
          [0],
          [0, 0, 0, 0],
          [0x1f],
          [0x28, 0xb5, 0x2f],
          [...Buffer.from("garbage after")],
        ]) {
          assertRefused("malformed_encoding", Buffer.concat([whole, Uint8Array.from(rest)]), name);
        }
      });

      it("refuses what is no such stream", () => {
        assertRefused("malformed_encoding", content, name);
        assertRefused("malformed_encoding", Buffer.alloc(100), name);
      });

      it("allocates no more than the limit for a bomb", () => {
        const bytesMax = 1_000_000;
        const bomb = compress(Buffer.alloc(200_000_000));
        assert.ok(bomb.length < 300_000);
        const before = process.memoryUsage().arrayBuffers;
        assertRefused("body_too_large", bomb, name, bytesMax);
        assert.ok(process.memoryUsage().arrayBuffers - before < 3 * bytesMax);
      });
    });
  }

  it("refuses a gzip stream whose checksum is wrong", () => {
    const broken = gzipSync(content);
    broken[broken.length - 6]! ^= 1;
    assertRefused("malformed_encoding", broken, "gzip");
  });

  it("refuses a zstd body of very many frames", () => {
    const frame = zstdCompressSync(Buffer.from("x"));
    assertRefused(
      "malformed_encoding",
      Buffer.concat(Array.from({ length: 1025 }, () => frame)),
      "zstd",
    );
  });

  it("refuses a zstd frame that asks for a large window", () => {
    const params = { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_contentSizeFlag]: 0 };
    const frame = zstdCompressSync(Buffer.alloc(20_000_000), { params });
    assertRefused("malformed_encoding", frame, "zstd", 50_000_000);
  });
});
