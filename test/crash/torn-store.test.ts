import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { CodedError } from "../../src/model/errors.ts";
import { undoPathOf } from "../../src/store/duckdb/checkpoint-undo.ts";
import { openDuckDbStore } from "../../src/store/duckdb/duckdb-store.ts";
import { Random } from "../../src/traffic/random.ts";
import { rowsOfCommit } from "../support/commit-until-killed.ts";
import { killAfter } from "../support/kill-after-commits.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { journalingEnvironment } from "./file-journal.ts";
import { JournaledDirectory } from "./torn-writes.ts";

const seed = Number(process.env["TEST_SEED"] ?? 11);
const livesCount = 2;
const commitsOfLife = 90;
/** Some 0.1 s each. */
const lookedAtShare = 0.7;

/**
 * The store as a kill in the middle of a write over what its file had already leaves it, one after the other in the order
 * of the writes: the path of its file. Gone when the next is asked for.
 */
async function* tornStores(directory: string, random: Random): AsyncGenerator<string> {
  const data = join(directory, "data");
  const path = join(data, "store.duckdb");
  const journal = join(directory, "journal");
  const copy = join(directory, "copy");
  mkdirSync(data);
  const env = journalingEnvironment(directory, data, journal);
  const written = new JournaledDirectory();
  for (let life = 0; life < livesCount; life++) {
    rmSync(journal, { force: true });
    await killAfter(path, commitsOfLife, { env });
    for (const copyTornTo of written.tornOverwrites(readFileSync(journal), path, random)) {
      if (!random.chance(lookedAtShare)) continue;
      rmSync(copy, { recursive: true, force: true });
      mkdirSync(copy);
      copyTornTo(copy);
      yield join(copy, "store.duckdb");
    }
  }
}

/** The last commit of a store, all of whose rows are found to be there. */
async function lastCommit(path: string, warn: (message: string) => void): Promise<number> {
  await using store = await openDuckDbStore({ path, memoryBytesMax: 128e6, threads: 2, warn });
  const { sequence } = await store.recover();
  const { comparedClicks, differingRows } = await store.recount(0, 50_000_000, 1);
  assert.equal(differingRows, 0);
  let expected = 0;
  for (let n = 1; n <= sequence; n++) expected += rowsOfCommit(n);
  assert.equal(comparedClicks, expected, `rows of ${sequence} commits`);
  return sequence;
}

describe("a store killed in the middle of a write", () => {
  it("is whole again at the next start, whichever write it was", async (t) => {
    t.diagnostic(`TEST_SEED=${seed} makes the same choices again`);
    await using directory = await temporaryDirectory();
    let looks = 0;
    let mended = 0;
    let last = 0;
    for await (const path of tornStores(directory.path, new Random(seed))) {
      const sequence = await lastCommit(path, (message) => {
        assert.match(message, /a checkpoint of .* was interrupted in the middle of a write/);
        mended++;
      });
      assert.ok(sequence >= last, `commit ${last} was there, ${sequence} is the last`);
      last = sequence;
      looks++;
    }
    t.diagnostic(`${looks} torn writes, of which ${mended} left a block that was put back`);
    assert.ok(looks >= 40 && mended >= 5, `${looks} torn writes, ${mended} mended`);
  });

  it("would not be without what it keeps of a checkpoint's blocks", async () => {
    await using directory = await temporaryDirectory();
    let refused = 0;
    for await (const path of tornStores(directory.path, new Random(seed))) {
      rmSync(undoPathOf(path), { force: true });
      await lastCommit(path, () => undefined).catch((error: unknown) => {
        assert.ok(error instanceof CodedError && error.code === "data_corrupt", String(error));
        refused++;
      });
      if (refused > 0) break;
    }
    assert.ok(refused > 0);
  });
});
