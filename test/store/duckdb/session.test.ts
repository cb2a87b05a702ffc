import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { minuteMs } from "../../../src/model/time.ts";
import { Session } from "../../../src/store/duckdb/session.ts";
import { CommitMaker } from "../../support/store-clicks.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const noonMs = 1_772_366_400_000;

describe("a session with the engine", () => {
  it("opens it anew after an error that it does not survive, with every commit", async () => {
    await using directory = await temporaryDirectory();
    const warnings: string[] = [];
    const session = await Session.open({
      path: join(directory.path, "store.duckdb"),
      memoryBytesMax: 128_000_000,
      threads: 2,
      temporaryBytesMax: 1_000_000_000,
      readersMax: 2,
      warn: (text) => warnings.push(text),
    });
    const maker = new CommitMaker();
    const next = () =>
      maker.next({ clicks: [{ ad_id: "a", event_id: "e", click_timestamp: noonMs }] });
    const sum = () =>
      session.use(async ({ engine }) => {
        const sql = `SELECT SUM(clicks)::BIGINT FROM (FROM minute_delta_0 UNION ALL FROM minute_delta_1)`;
        const [row] = await engine.maintenance.rows(sql);
        return row![0];
      });
    await session.use(({ writer }) => writer.commit(next()));
    for (let round = 0; round < 3; round++) {
      // What a disk that fills up during a checkpoint does.
      await session.use(async ({ engine }) => {
        await engine.maintenance.run("SET debug_checkpoint_abort = 'before_header'");
      });
      await assert.rejects(session.use(({ writer }) => writer.checkpoint()));
      const commit = next();
      await session.use(({ writer }) => writer.commit(commit));
      await session.use(({ writer }) => writer.commit(commit));
      assert.equal(await sum(), 2 + round);
      assert.equal(warnings.length, round + 1);
    }
    await session.use(({ writer }) => writer.compact(noonMs / minuteMs + 1));
    await session.use(({ writer }) => writer.checkpoint());
    await session.close();
    await assert.rejects(sum(), /closed/);
  });
});
