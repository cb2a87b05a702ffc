/**
 * Commits to the store at argv[2] until it is killed, with compactions and checkpoints beside; writes the sequence of
 * each commit that is through as a line. Commit n is one record of `rowsOfCommit(n)` clicks.
 */
import { openDuckDbStore } from "../../src/store/duckdb/duckdb-store.ts";
import { minuteMs } from "../../src/model/time.ts";
import { CommitMaker } from "./store-clicks.ts";

/** 2026-03-01T23:30Z: commits soon cross midnight. */
const startMs = 1_772_407_800_000;

/** Enough for a checkpoint to run beside commits. */
export function rowsOfCommit(sequence: number): number {
  return 800 + 97 * (sequence % 13);
}

async function commitUntilKilled(path: string): Promise<never> {
  const store = await openDuckDbStore({ path, memoryBytesMax: 128_000_000, threads: 2 });
  const maker = new CommitMaker();
  const { sequence: last, progress, dictionaries } = await store.recover();
  maker.resume(last, progress[0]?.nextOffset ?? 0, dictionaries);
  for (let sequence = last + 1; ; sequence++) {
    const minute = Math.floor(sequence / 4);
    const clicks = Array.from({ length: rowsOfCommit(sequence) }, (_, i) => ({
      ad_id: `ad-${(sequence + i) % 50}`,
      event_id: `event ${sequence} ${i}`,
      click_timestamp: startMs + minute * minuteMs + i,
      dimensions: { country: i % 2 === 0 ? "DE" : "US", user_id: `user number ${sequence}` },
    }));
    await store.commit(maker.next({ clicks }));
    process.stdout.write(`${sequence}\n`);
    // Not waited for: the next commits run beside them.
    if (sequence % 13 === 0) void store.compact(startMs / minuteMs + minute - 1);
    if (sequence % 17 === 0) void store.checkpoint();
  }
}

if (process.argv[1] === import.meta.filename) await commitUntilKilled(process.argv[2]!);
