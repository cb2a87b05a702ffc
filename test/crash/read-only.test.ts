import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Random } from "../../src/traffic/random.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { fingerprints } from "./fingerprints.ts";
import { reconcile } from "./reconcile.ts";
import { Sender } from "./sender.ts";
import { onSmallDisk } from "./small-disk.ts";

describe("a data directory that can only be read", () => {
  it("is refused with exit code 2 and a message, left as it is, and served once it can be written", async (t) => {
    await onSmallDisk(t, 32, async (disk) => {
      const dataDir = join(disk.path, "data");
      await mkdir(dataDir);
      const sender = new Sender(new Random(1), 0);
      for (const end of ["kill", "terminate"] as const) {
        {
          await using service = await ServiceProcess.start({ dataDir });
          await sender.sendUnacked(service);
          await sender.sendClicks(service, 1_000);
          await service[end]();
          await service.ended;
        }
        const before = await fingerprints(dataDir);
        disk.setReadOnly(true);
        await using service = await ServiceProcess.launch({ dataDir });
        assert.deepEqual(await service.endedByItself(), { code: 2, signal: null });
        assert.match(
          service.stderr,
          /the data directory .* can't be written \(.*\): it must be a directory that this user may read and write/,
        );
        assert.deepEqual(await fingerprints(dataDir), before);
        disk.setReadOnly(false);
      }
      await using service = await ServiceProcess.start({ dataDir });
      await sender.sendUnacked(service);
      await reconcile(service, sender);
    });
  });

  it("is refused with exit code 2 where it would have to be made", async (t) => {
    await onSmallDisk(t, 8, async (disk) => {
      disk.setReadOnly(true);
      const env = { CLICKTALLY_DATA_DIR: join(disk.path, "data") };
      await using service = await ServiceProcess.launch({ dataDir: disk.path, env });
      assert.deepEqual(await service.endedByItself(), { code: 2, signal: null });
      assert.match(service.stderr, /can't be written/);
    });
  });
});
