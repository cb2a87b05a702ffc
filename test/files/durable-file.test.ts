import assert from "node:assert/strict";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { makeDirectory, writeFileDurably } from "../../src/files/durable-file.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

describe("a file written durably", () => {
  it("has all of its new content, its mode and no companion", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "file");
    await writeFileDurably(path, "first, and longer");
    await writeFileDurably(path, "second");
    assert.equal(await readFile(path, "utf8"), "second");
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    await writeFileDurably(path, Uint8Array.of(1, 2, 3), 0o644);
    assert.deepEqual([...(await readFile(path))], [1, 2, 3]);
    assert.equal((await stat(path)).mode & 0o777, 0o644);
    assert.deepEqual(await readdir(directory.path), ["file"]);
  });

  it("takes the place of what a crash has left of it", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "file");
    await writeFile(`${path}.tmp`, "half of something that was longer");
    await writeFileDurably(path, "whole");
    assert.equal(await readFile(path, "utf8"), "whole");
    assert.deepEqual(await readdir(directory.path), ["file"]);
  });

  it("keeps its old content where the new can't be put in its place", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "file");
    await writeFile(path, "old");
    await mkdir(`${path}.tmp`);
    await assert.rejects(writeFileDurably(path, "new"));
    assert.equal(await readFile(path, "utf8"), "old");
  });
});

describe("a directory made", () => {
  it("has its parents, its mode, and may be there already", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "a/b/c");
    await makeDirectory(path, 0o700);
    await makeDirectory(path, 0o700);
    assert.equal((await stat(path)).mode & 0o777, 0o700);
  });
});
