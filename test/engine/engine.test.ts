import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { systemClock } from "../../src/clock/system-clock.ts";
import type { EngineOptions } from "../../src/engine/engine.ts";
import { openEngine } from "../../src/engine/engine.ts";
import { openSqliteQueueReader } from "../../src/queue/sqlite/reader.ts";
import { openDuckDbStore } from "../../src/store/duckdb/duckdb-store.ts";
import { appendAll, openLog, startPipeline } from "../support/pipeline-run.ts";
import { testConfig } from "../support/random-clicks.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const storePath = (directory: string): string => join(directory, "store.duckdb");

/** Each engine gets a queue and a store of its own, which it closes. */
async function optionsFor(directory: string): Promise<EngineOptions> {
  const path = storePath(directory);
  return {
    clock: systemClock,
    queue: await openSqliteQueueReader({ path: join(directory, "queue.sqlite") }),
    store: await openDuckDbStore({ path, memoryBytesMax: 256e6, threads: 1 }),
    limits: { delayMsMax: 10, clicksMax: 1_000 },
    dedupBytesMax: 1e9,
    hotBytesMax: 1e8,
    secret: new Uint8Array(32),
    placeholderConfig: { ...testConfig, generation: 0 },
    configGeneration: 1,
    trim: async () => {},
    queueBytes: async () => 0,
    onDedupFull: () => {},
    onProblem: () => {},
  };
}

describe("the engine", () => {
  it("closes what it has opened where it can't start", async () => {
    await using directory = await temporaryDirectory();
    await using queue = await openLog(directory.path);
    const options = await optionsFor(directory.path);
    await assert.rejects(openEngine({ ...options, secret: new Uint8Array(4) }), RangeError);
    // The file is locked against other processes for as long as this one has it open.
    const url = new URL("../../src/store/duckdb/duckdb-store.ts", import.meta.url).href;
    const program = `
      const { openDuckDbStore } = await import(${JSON.stringify(url)});
      const path = ${JSON.stringify(storePath(directory.path))};
      await using store = await openDuckDbStore({ path, memoryBytesMax: 256e6, threads: 1 });
      console.log((await store.recover()).sequence);
    `;
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, ["--input-type=module", "-e", program]);
    assert.equal(stdout, "0\n");
    assert.equal(queue.partitionCount, 1);
  });

  it("refuses a store that knows newer settings than it was started with", async () => {
    await using directory = await temporaryDirectory();
    await using queue = await openLog(directory.path);
    const newer = { ...testConfig, generation: 2 };
    const control = { type: "config", config: newer } as const;
    await appendAll(queue, [{ kind: "control", receivedAtMs: Date.now(), control }]);
    {
      const limits = { delayMsMax: 1, clicksMax: 10 };
      await using run = await startPipeline(directory.path, newer, limits);
      assert.ok(await run.pipeline.committed.wait([{ partition: 0, offset: 0 }], 10_000));
    }
    const options = await optionsFor(directory.path);
    await assert.rejects(openEngine(options), { code: "data_corrupt", field: "data_dir" });
    await using engine = await openEngine({
      ...(await optionsFor(directory.path)),
      configGeneration: 2,
    });
    assert.equal((await engine.query.status()).status, "ready");
  });
});
