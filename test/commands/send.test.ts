import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { loadSettings } from "../../src/config.ts";
import { startService } from "../../src/main.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const cli = resolve(import.meta.dirname, "../../src/cli.ts");

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function send(...args: string[]): Promise<Ended> {
  return promisify(execFile)(process.execPath, [cli, "send", ...args]).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: Ended) => error,
  );
}

void test("an old recording is sent as if it happened now, and again to no effect", async () => {
  await using directory = await temporaryDirectory();
  const flags = { data_dir: join(directory.path, "data"), port: "0" };
  await using service = await startService(loadSettings({ flags, env: {} }), { listen: true });
  const path = join(directory.path, "old.ndjson");
  const line = (i: number): string =>
    JSON.stringify({
      ad_id: `ad-${i % 3}`,
      event_id: `e-${i}`,
      click_timestamp: Date.UTC(2020, 0, 1, 0, 0, i),
    });
  await writeFile(
    path,
    `${Array.from({ length: 300 }, (_, i) => line(i)).join("\n")}\n{"ad_id":"ad-0"}\n`,
  );

  const live = [path, "--url", service.url!, "--as-if-now", "--wait"];
  const fast = await send(...live, "--speed", "600");
  assert.equal(fast.code, 1, fast.stderr);
  assert.match(fast.stdout, /^sent 301 accepted 300 rejected 1 resent batches 0 /);
  assert.match(fast.stdout, /^counted 300 duplicates 0 restated 0 quarantined 0 expired 0$/m);
  assert.match(fast.stderr, /missing_field \(click_timestamp\)/);
  const { count } = await service.query.count({ ad_id: "ad-1", window: "5" });
  assert.equal(count, 100);

  const again = await send(...live, "--rate", "1000");
  assert.match(again.stdout, /^counted 0 duplicates 300 restated 0 /m);
  const undated = await send(path, "--url", service.url!, "--rate", "5000", "--wait");
  assert.match(undated.stdout, /expired 300$/m);
});

void test("wrong usage is told and ends with 2", async () => {
  assert.equal((await send("x.ndjson", "--rate", "0")).code, 2);
  assert.equal((await send("x.ndjson", "--rate", "5", "--speed", "2")).code, 2);
  assert.equal((await send("no-such-file.ndjson", "--url", "http://127.0.0.1:9")).code, 3);
});
