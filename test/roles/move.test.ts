import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { loadSettings } from "../../src/config.ts";
import { moveIntoCluster } from "../../src/roles/move.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const cluster = {
  "queue.kind": "kafka",
  "queue.brokers": "127.0.0.1:1",
  "store.kind": "clickhouse",
  "store.urls": "http://127.0.0.1:1",
} as const;

describe("a move into a cluster", () => {
  it("is refused by the name of what is wrong, and touches nothing", async () => {
    await using directory = await temporaryDirectory();
    const from = directory.path;
    const move = (flags: object): Promise<unknown> =>
      moveIntoCluster(loadSettings({ flags: { ...cluster, ...flags }, env: {} }), {
        from,
        onProgress: () => {},
        onProblem: () => {},
      });
    const refused = async (field: string, flags: object = {}): Promise<void> => {
      await assert.rejects(move(flags), { field });
    };
    await refused("queue.kind", { "queue.kind": "sqlite" });
    await refused("queue.spread", { "queue.partitions": "4", "queue.spread": "2" });
    await refused("store.kind", { "store.kind": "duckdb" });
    await refused("data_dir", { data_dir: from });
    await refused("from");
    await writeFile(join(from, "store.duckdb"), "");
    await refused("from");
    assert.deepEqual(await readdir(from), ["store.duckdb"]);
  });
});
