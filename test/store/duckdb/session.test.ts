import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { minuteMs } from "../../../src/model/time.ts";
import { Session } from "../../../src/store/duckdb/session.ts";
import { CommitMaker } from "../../support/store-clicks.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const noonMs = 1_772_366_400_000;

const openSession = (path: string, warnings: string[]): Promise<Session> =>
  Session.open({
    path,
    memoryBytesMax: 128_000_000,
    threads: 2,
    temporaryBytesMax: 1_000_000_000,
    readersMax: 2,
    warn: (text) => warnings.push(text),
  });

/** What a disk that fills up during a checkpoint does: the engine refuses everything afterwards. */
async function breakEngine(session: Session): Promise<void> {
  await session.use(async ({ engine }) => {
    await engine.maintenance.run("SET debug_checkpoint_abort = 'before_header'");
  });
  await assert.rejects(session.use(({ writer }) => writer.checkpoint()));
}

describe("a session with the engine", () => {
  it("opens it anew after an error that it does not survive, with every commit", async () => {
    await using directory = await temporaryDirectory();
    const warnings: string[] = [];
    const session = await openSession(join(directory.path, "store.duckdb"), warnings);
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
      await breakEngine(session);
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

  it("gives up for good where it comes back without commits that were through", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "store.duckdb");
    const warnings: string[] = [];
    const session = await openSession(path, warnings);
    const maker = new CommitMaker();
    const next = () =>
      maker.next({ clicks: [{ ad_id: "a", event_id: "e", click_timestamp: noonMs }] });
    await session.use(({ writer }) => writer.commit(next()));
    await session.use(({ writer }) => writer.checkpoint());
    await session.use(({ writer }) => writer.commit(next()));
    await writeFile(`${path}.wal`, new Uint8Array(2_000).fill(0xff));
    await breakEngine(session);
    const commit = next();
    for (let round = 0; round < 2; round++) {
      await assert.rejects(
        session.use(({ writer }) => writer.commit(commit)),
        { code: "data_corrupt" },
      );
    }
    await session.close();
    await using reopened = {
      session: await openSession(path, warnings),
      [Symbol.asyncDispose]: () => reopened.session.close(),
    };
    const sequence = await reopened.session.use(async ({ writer }) => writer.sequence);
    assert.equal(sequence, 1);
  });
});
