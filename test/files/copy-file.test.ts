import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { copyFileDurably, digestOf } from "../../src/files/copy-file.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

describe("a copied file", () => {
  it("has the bytes and the digest of the original, for its owner alone", async () => {
    await using directory = await temporaryDirectory();
    const [from, to] = [join(directory.path, "from"), join(directory.path, "to")];
    for (const size of [0, 1, 1 << 20, (3 << 20) + 17]) {
      const content = Buffer.alloc(size, "some bytes ");
      await writeFile(from, content);
      const sha256 = createHash("sha256").update(content).digest("hex");
      const told: number[] = [];
      const copy = `${to}-${size}`;
      const digest = await copyFileDurably(from, copy, { onProgress: (bytes) => told.push(bytes) });
      assert.deepEqual(digest, { bytes: size, sha256 });
      assert.deepEqual(await digestOf(copy), digest);
      assert.ok((await readFile(copy)).equals(content));
      assert.equal((await stat(copy)).mode & 0o777, 0o600);
      assert.equal(told.at(-1) ?? 0, size);
    }
  });

  it("never takes another's place, and is given up on request", async () => {
    await using directory = await temporaryDirectory();
    const [from, to] = [join(directory.path, "from"), join(directory.path, "to")];
    await writeFile(from, "new");
    await writeFile(to, "old");
    await assert.rejects(copyFileDurably(from, to), { code: "EEXIST" });
    assert.equal(await readFile(to, "utf8"), "old");
    const abort = new AbortController();
    abort.abort(new Error("enough"));
    const copying = copyFileDurably(from, `${to}-2`, { signal: abort.signal });
    await assert.rejects(copying, /enough/);
  });
});
