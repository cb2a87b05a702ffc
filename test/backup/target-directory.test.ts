import assert from "node:assert/strict";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { targetDirectory, targetError } from "../../src/backup/target-directory.ts";
import { CodedError } from "../../src/model/errors.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

describe("a directory named by a caller", () => {
  it("is normalized, and refused where it is not absolute or lies in the data directory", async () => {
    await using directory = await temporaryDirectory();
    const data = join(directory.path, "data");
    await mkdir(data);
    await symlink(data, join(directory.path, "link"));
    const check = (path: string) => targetDirectory("dir", path, data);
    assert.equal(await check(`${directory.path}/a/../b/`), join(directory.path, "b"));
    assert.equal(await check(`${data}-2`), `${data}-2`);
    assert.equal(await check(join(directory.path, "..data")), join(directory.path, "..data"));
    for (const path of [
      "relative",
      "",
      "./x",
      "../x",
      data,
      `${data}/`,
      `${data}/x/y`,
      `${directory.path}/x/../data/y`,
      join(directory.path, "link"),
      join(directory.path, "link/new/deep"),
      `${directory.path}/nul\0`,
      `/${"x".repeat(5_000)}`,
    ])
      await assert.rejects(check(path), { code: "invalid_parameter", field: "dir" }, path);
  });

  it("that can't be written is told by what the file system said", () => {
    const told = (code: string) =>
      targetError(Object.assign(new Error("no"), { code }), "dir", "/b");
    for (const code of ["EACCES", "EROFS", "ENOTDIR"]) {
      const error = told(code) as CodedError;
      assert.equal(error.code, "invalid_parameter");
      assert.equal(error.field, "dir");
      assert.match(error.message, new RegExp(`dir: /b can't be written \\(${code}\\)`));
    }
    assert.equal((told("ENOSPC") as CodedError).code, "disk_full");
    const sqlite = Object.assign(new Error("full"), { errcode: 13 });
    const wrapped = new CodedError("storage_failed", "the copy", { cause: sqlite });
    assert.equal((targetError(wrapped, "dir", "/b") as CodedError).code, "disk_full");
    const bug = new TypeError("a bug");
    assert.equal(targetError(bug, "dir", "/b"), bug);
    const coded = new CodedError("data_corrupt", "damaged");
    assert.equal(targetError(coded, "dir", "/b"), coded);
  });
});
