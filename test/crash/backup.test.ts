import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { BackupAnswer } from "../../src/backup/backup-service.ts";
import { listBackups } from "../../src/backup/backups.ts";
import { restoreBackup } from "../../src/backup/restore-backup.ts";
import { Random } from "../../src/traffic/random.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { patchedEnvironment } from "../support/source-patches.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { deathAt, frequentMaintenance, point } from "./death-point.ts";
import { reconcile } from "./reconcile.ts";
import { Sender } from "./sender.ts";
import { onSmallDisk } from "./small-disk.ts";

const writeBackup = "src/backup/write-backup.ts";
const storeCopy = "src/store/duckdb/copy-checkpoint.ts";
const deaths = [
  point(
    "the store is being copied",
    storeCopy,
    "soon",
    "  const headers = await undo.readHeaders();",
  ),
  point("the store is copied", storeCopy, "before", "  if (headers.equals("),
  point("store and queue are copied", writeBackup, "before", "    const queue = await digestOf("),
  point("all is there but the manifest", writeBackup, "before", "    await writeFileDurably("),
  point(
    "the manifest is written",
    writeBackup,
    "after",
    "    await writeFileDurably(join(partial, manifestName), manifest);\n",
  ),
  point("the backup has its name", writeBackup, "before", "      await syncDirectory(directory);"),
];

function askForBackup(service: ServiceProcess, dir: string) {
  const body = JSON.stringify({ dir });
  return service.post<BackupAnswer & { code: string; field: string; detail: string }>(
    "/v1/admin/backup",
    body,
    "application/json",
  );
}

describe("a backup", () => {
  it("is whole or not there where the service is killed meanwhile, and the next one is whole", async () => {
    await using directory = await temporaryDirectory();
    const dataDir = join(directory.path, "data");
    const dir = join(directory.path, "backups");
    await mkdir(dataDir);
    const sender = new Sender(new Random(1));
    let count = 0;
    for (const death of deaths) {
      const env = patchedEnvironment([...frequentMaintenance, deathAt(death, 1)]);
      await using service = await ServiceProcess.start({ dataDir, env });
      await sender.sendClicks(service, 300);
      const sending = sender.run(service);
      const answer = await askForBackup(service, dir).catch(() => undefined);
      assert.equal(answer, undefined, `it did not die where ${death.label}`);
      await Promise.all([sending, service.ended]);
      if (death.label === "the backup has its name") count++;
      const whole = await listBackups(dir);
      assert.equal(whole.length, count, death.label);
      const others = (await readdir(dir)).filter((name) => !whole.includes(name));
      assert.ok(others.length <= 1 && others.every((name) => name.startsWith(".partial-")));
    }
    await using service = await ServiceProcess.start({ dataDir });
    await sender.sendUnacked(service);
    const { status, body } = await askForBackup(service, dir);
    assert.equal(status, 200);
    assert.deepEqual((await readdir(dir)).toSorted(), (await listBackups(dir)).toSorted());
    for (const [i, name] of (await listBackups(dir)).entries())
      await restoreBackup({ from: join(dir, name), to: join(directory.path, `restored-${i}`) });
    assert.equal(body.path, join(dir, (await listBackups(dir))[0]!));
    await using restored = await ServiceProcess.start({
      dataDir: join(directory.path, "restored-0"),
    });
    await reconcile(restored, sender);
  });

  it("that finds no room, or may not write, says so, leaves nothing behind and does no harm", async (t) => {
    await onSmallDisk(t, 16, async (disk) => {
      await using directory = await temporaryDirectory();
      await using service = await ServiceProcess.start({ dataDir: directory.path });
      const sender = new Sender(new Random(2));
      await sender.sendClicks(service, 3_000);
      const dir = join(disk.path, "backups");
      const refusal = async (): Promise<readonly unknown[]> => {
        const sending = sender.sendClicks(service, 600);
        const { status, body } = await askForBackup(service, dir);
        await sending;
        assert.match(body.detail, /^dir: .*backups/);
        return [status, body.code, body.field];
      };
      disk.fill();
      assert.deepEqual(await refusal(), [507, "disk_full", "dir"]);
      assert.deepEqual(await readdir(dir).catch(() => []), []);
      disk.free();
      disk.setReadOnly(true);
      assert.deepEqual(await refusal(), [400, "invalid_parameter", "dir"]);
      disk.setReadOnly(false);
      assert.equal((await askForBackup(service, dir)).status, 200);
      assert.equal((await listBackups(dir)).length, 1);
      await reconcile(service, sender);
      t.diagnostic(disk.kind);
    });
  });

  it("into what is no directory, or into the data directory, is refused by name", async () => {
    await using directory = await temporaryDirectory();
    const dataDir = join(directory.path, "data");
    await mkdir(dataDir);
    await writeFile(join(directory.path, "file"), "");
    await using service = await ServiceProcess.start({ dataDir });
    const wrong = ["backups", dataDir, `${dataDir}/../data/b`, join(directory.path, "file/b"), ""];
    for (const dir of wrong) {
      const { status, body } = await askForBackup(service, dir);
      assert.deepEqual([status, body.code, body.field], [400, "invalid_parameter", "dir"], dir);
    }
    assert.deepEqual(
      (await readdir(dataDir)).filter((name) => name.startsWith("b")),
      [],
    );
  });
});
