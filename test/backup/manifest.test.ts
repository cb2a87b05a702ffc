import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { formatManifest, parseManifest } from "../../src/backup/manifest.ts";

const manifest = {
  release: "0.1.0",
  created_at: "2026-01-31T12:00:00.000Z",
  as_of: 12,
  watermark: null,
  partitions: [{ partition: 0, next_offset: 3, queue_end: 5 }],
  files: [{ path: "secret", bytes: 32, sha256: "00" }],
};

/** With a check that holds. */
function vouched(content: object): string {
  const check = createHash("sha256").update(JSON.stringify(content)).digest("hex");
  return JSON.stringify({ ...content, check });
}

describe("a manifest", () => {
  it("is read as it was written", () => {
    assert.deepEqual(parseManifest(formatManifest(manifest), "m"), { version: 1, ...manifest });
  });

  it("is refused by name wherever it is changed", () => {
    const text = formatManifest(manifest);
    for (const changed of [
      text.replace("12", "13"),
      text.replace("secret", "secreu"),
      text.slice(0, -3),
      "",
      "[]",
      "null",
      "{}",
    ]) {
      assert.throws(() => parseManifest(changed, "/b/manifest.json"), {
        code: "data_corrupt",
        message: /\/b\/manifest\.json is damaged/,
      });
    }
  });

  it("of a newer release is refused as such", () => {
    const newer = vouched({ version: 2, something: "else" });
    assert.throws(() => parseManifest(newer, "m"), { code: "data_format_newer" });
  });

  it("that names files elsewhere vouches for nothing", () => {
    for (const path of ["../secret", "/etc/passwd", "imports/../../x", "a/b", "", "."]) {
      const files = [{ path, bytes: 1, sha256: "00" }];
      const text = formatManifest({ ...manifest, files });
      assert.throws(() => parseManifest(text, "m"), { code: "data_corrupt" }, path);
    }
  });
});
