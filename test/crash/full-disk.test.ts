import assert from "node:assert/strict";
import { copyFile, mkdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Random } from "../../src/traffic/random.ts";
import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { patchedEnvironment } from "../support/source-patches.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { frequentMaintenance } from "./death-point.ts";
import { fingerprints } from "./fingerprints.ts";
import { reconcile } from "./reconcile.ts";
import { Sender } from "./sender.ts";
import { onSmallDisk } from "./small-disk.ts";

const diskMegabytes = 32;
/** Checkpoints often, so that they meet the full disk too. */
const env = { CLICKTALLY_COMMIT_MAX_DELAY: "50ms", ...patchedEnvironment(frequentMaintenance) };

function problems(service: ServiceProcess, message: RegExp): Promise<true> {
  return eventually(`it says ${message.source}`, () =>
    message.test(service.stderr) ? true : undefined,
  );
}

async function reconcileAfterRestart(dataDir: string, sender: Sender): Promise<void> {
  await using service = await ServiceProcess.start({ dataDir, env });
  await sender.sendUnacked(service);
  await reconcile(service, sender);
}

describe("a full disk", () => {
  it("is answered with 503 and Retry-After while it is full, and costs nothing that was acked", async (t) => {
    await onSmallDisk(t, diskMegabytes, async (disk) => {
      const dataDir = join(disk.path, "data");
      await mkdir(dataDir);
      const sender = new Sender(new Random(1), 0);
      {
        await using service = await ServiceProcess.start({ dataDir, env });
        for (let round = 1; round <= 2; round++) {
          await sender.sendClicks(service, 3_000);
          disk.fill();
          const refusedBefore = sender.refusedBodies;
          await sender.run(service);
          assert.ok(sender.refusedBodies > refusedBefore);
          await problems(service, /No space left on device/);
          // Who asks is still answered.
          await service.get("/readyz");
          await service.get("/v1/top?window=60");
          disk.free();
          await sender.sendUnacked(service);
          await reconcile(service, sender);
        }
        assert.doesNotMatch(service.stderr, /undefined/);
        service.terminate();
        assert.deepEqual(await service.endedByItself(), { code: 0, signal: null });
      }
      await reconcileAfterRestart(dataDir, sender);
      t.diagnostic(`${disk.kind}: ${sender.ackedClicks} clicks acked, 0 lost, 0 twice`);
    });
  });

  it("of the store alone stops the counting, not the taking in, and is made up for", async (t) => {
    await onSmallDisk(t, diskMegabytes, async (disk) => {
      await using elsewhere = await temporaryDirectory();
      const dataDir = join(disk.path, "data");
      await mkdir(dataDir);
      const sender = new Sender(new Random(2), 0);
      {
        await using service = await ServiceProcess.start({ dataDir, env });
        await sender.sendClicks(service, 300);
      }
      const [queue, queueElsewhere] = [dataDir, elsewhere.path].map((at) =>
        join(at, "queue.sqlite"),
      ) as [string, string];
      await copyFile(queue, queueElsewhere);
      await rm(queue);
      await symlink(queueElsewhere, queue);
      {
        await using service = await ServiceProcess.start({ dataDir, env });
        await sender.sendClicks(service, 1_000);
        disk.fill();
        await sender.sendClicks(service, 6_000);
        await problems(service, /commit failed, try \d+: .*No space left on device/);
        assert.equal(sender.refusedBodies, 0);
        disk.free();
        await reconcile(service, sender);
      }
      await reconcileAfterRestart(dataDir, sender);
    });
  });

  it("keeps a killed service from starting, by a message and exit code 3, and changes nothing", async (t) => {
    await onSmallDisk(t, diskMegabytes, async (disk) => {
      const dataDir = join(disk.path, "data");
      await mkdir(dataDir);
      const sender = new Sender(new Random(3), 0);
      {
        await using service = await ServiceProcess.start({ dataDir, env });
        await sender.sendClicks(service, 3_000);
        const sending = sender.run(service);
        disk.fill();
        await sending;
        await service.kill();
      }
      // Its death may have given a block back.
      disk.fill();
      const before = await fingerprints(dataDir);
      await using service = await ServiceProcess.launch({ dataDir, env });
      assert.deepEqual(await service.endedByItself(), { code: 3, signal: null });
      assert.match(service.stderr, /is full \(.*\): make room and start again/);
      assert.deepEqual(await fingerprints(dataDir), before);
      disk.free();
      await reconcileAfterRestart(dataDir, sender);
    });
  });
});
