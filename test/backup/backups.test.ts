import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { backupName, keepNewest, listBackups } from "../../src/backup/backups.ts";
import { formatManifest } from "../../src/backup/manifest.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const manifest = formatManifest({
  release: "0.1.0",
  created_at: "2026-01-31T12:00:00.000Z",
  as_of: 0,
  watermark: null,
  partitions: [],
  files: [],
});

async function makeBackup(directory: string, name: string, text = manifest): Promise<void> {
  await mkdir(join(directory, name));
  await writeFile(join(directory, name, "manifest.json"), text);
}

describe("a directory of backups", () => {
  it("names them by time, and several of one second by number", () => {
    const time = "2026-01-31T12:00:00.789Z";
    assert.equal(backupName(time, []), "2026-01-31T12-00-00Z");
    assert.equal(backupName(time, ["2026-01-31T12-00-00Z"]), "2026-01-31T12-00-00Z-2");
    assert.equal(
      backupName(time, ["2026-01-31T12-00-00Z", "2026-01-31T12-00-00Z-2"]),
      "2026-01-31T12-00-00Z-3",
    );
  });

  it("lists the whole ones, the newest first", async () => {
    await using directory = await temporaryDirectory();
    const names = ["2026-01-31T12-00-00Z", "2026-01-31T12-00-00Z-2", "2026-01-31T12-00-00Z-10"];
    for (const name of [...names, "2025-12-31T23-59-59Z"]) await makeBackup(directory.path, name);
    await makeBackup(directory.path, "2026-03-01T00-00-00Z", "{}");
    await makeBackup(directory.path, "2026-04-01T00-00-00Z.old");
    await mkdir(join(directory.path, "2026-02-01T00-00-00Z"));
    await mkdir(join(directory.path, ".partial-0123456789abcdef"));
    assert.deepEqual(await listBackups(directory.path), [
      ...names.toReversed(),
      "2025-12-31T23-59-59Z",
    ]);
  });

  it("keeps the newest, and deletes nothing that is no backup", async () => {
    await using directory = await temporaryDirectory();
    for (let day = 1; day <= 5; day++)
      await makeBackup(directory.path, `2026-01-0${day}T00-00-00Z`);
    const others = ["2020-01-01T00-00-00Z", "important", ".partial-0123456789abcdef"];
    for (const name of others) await mkdir(join(directory.path, name));
    await writeFile(join(directory.path, "2019-01-01T00-00-00Z"), "a file");
    const deleted = await keepNewest(directory.path, 2);
    assert.deepEqual(deleted, [
      "2026-01-03T00-00-00Z",
      "2026-01-02T00-00-00Z",
      "2026-01-01T00-00-00Z",
    ]);
    assert.deepEqual(
      (await readdir(directory.path)).toSorted(),
      [
        ...others,
        "2019-01-01T00-00-00Z",
        "2026-01-04T00-00-00Z",
        "2026-01-05T00-00-00Z",
      ].toSorted(),
    );
    assert.deepEqual(await keepNewest(directory.path, 2), []);
  });
});
