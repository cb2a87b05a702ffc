/**
 * Moves a stopped data directory into a Kafka topic and a ClickHouse database. The directory is marked as moved before the
 * database can be opened as a store: at no moment both could go on counting.
 */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { readLogged } from "../config/config-log.ts";
import type { Settings } from "../config.ts";
import type { DataDirectory } from "../data-directory.ts";
import { openDataDirectory } from "../data-directory.ts";
import { durableTextFile } from "../files/durable-file.ts";
import type { Comparison } from "../migrate/compare-stores.ts";
import { compareStores } from "../migrate/compare-stores.ts";
import { copyStore } from "../migrate/copy-store.ts";
import { factsAfterMove, progressAfterMove } from "../migrate/facts-after-move.ts";
import { CodedError } from "../model/errors.ts";
import type { ClickQueueReader } from "../queue/click-queue.ts";
import type { MovePlan, MoveTarget } from "../store/store-moves.ts";
import {
  openOrderReader,
  openOrderWriter,
  openOthersTopic,
  openQueueWriter,
} from "../threads/open-queue.ts";
import type { OwnStore } from "../threads/open-store.ts";
import { foundingNotes, openMoveTarget, openOwnStore } from "../threads/open-store.ts";
import { countWaiting } from "./count-waiting.ts";
import { settingsNote } from "../threads/settings-note.ts";

export type MoveStage = "count" | "copy" | "compare";

export interface MoveOptions {
  /** The data directory. */
  readonly from: string;
  /** `done` of `total` clicks or rows. */
  readonly onProgress: (stage: MoveStage, done: number, total: number) => void;
  readonly onProblem: (what: string, error?: unknown) => void;
}

export interface Moved {
  readonly plan: MovePlan;
  /** Undefined where an earlier run has come to the end. */
  readonly comparison: Comparison | undefined;
  /** Rows that were copied, also by earlier runs. */
  readonly rowCount: number;
}

/** Threads of the store. */
const storeThreads = 2;

/**
 * Rejects with `invalid_configuration` where the settings name no cluster, `already_exists` where topic or database are not
 * for this move, and as openDataDirectory does. Where the comparison finds a difference nothing is marked, and the next run
 * begins anew.
 */
export async function moveIntoCluster(settings: Settings, options: MoveOptions): Promise<Moved> {
  const { from, onProblem, onProgress } = options;
  checkSettings(settings, from);
  await using resources = new AsyncDisposableStack();
  const directory = resources.use(await openDataDirectory(from, { toMove: true }));
  const partitionsBefore = await countWaiting(settings, directory, {
    onProblem,
    onProgress: (done, total) => onProgress("count", done, total),
  });
  const own = await openStore(settings, directory, onProblem);
  const source = resources.use(own.store);
  const moves = own.movable.moves();
  const recovered = await source.recover();
  if (recovered.sequence === 0) throw nothingToMove(from, "has counted nothing yet");
  const plan: MovePlan = {
    source: createHash("sha256").update(directory.dedupSecret).digest("hex"),
    sequence: recovered.sequence,
    partitionsBefore,
    partitions: settings.queue.partitions,
  };
  const facts = factsAfterMove(recovered, plan);
  await makeTopics(settings);
  const target = resources.use(await openMoveTarget(settings, plan, moves.dimensions));
  if (target.isFinished) {
    await directory.markMoved(placeOf(settings));
    return { plan, comparison: undefined, rowCount: 0 };
  }
  await checkTopics(settings, target);
  const spans = await moves.spans();
  const rowCount = spans.reduce((sum, span) => sum + span.rowCount, 0);
  const progress = progressAfterMove(moves.rows("commit_log"), plan);
  await copyStore({
    source: moves,
    target,
    facts: { ...facts, progress },
    spans,
    onRows: summed((done) => onProgress("copy", done, rowCount)),
  });
  const comparison = await compareStores({
    source,
    moves,
    target: await target.open(),
    plan,
    spans,
    onRows: summed((done) => onProgress("compare", done, rowCount)),
  });
  if (comparison.differing > 0) await target.forgetSteps();
  else await finish(settings, directory, target);
  return { plan, comparison, rowCount };
}

function checkSettings({ queue, store, dataDir }: Settings, from: string): void {
  const refuse = (field: string, what: string): never => {
    throw new CodedError("invalid_configuration", what, { field });
  };
  if (queue.kind !== "kafka") refuse("queue.kind", "queue.kind must be kafka, to move there");
  // Minute rows of before know no event ids by which they could be dealt.
  if (queue.spread !== 1) refuse("queue.spread", "queue.spread must be 1, to move there");
  if (store.kind !== "clickhouse")
    refuse("store.kind", "store.kind must be clickhouse, to move there");
  if (resolve(from) === resolve(dataDir))
    refuse(
      "data_dir",
      `data_dir must be another directory than the one that is moved, ${resolve(from)}`,
    );
  for (const name of ["store.duckdb", "queue.sqlite"])
    if (!existsSync(resolve(from, name))) throw nothingToMove(from, `has no ${name}`);
}

function nothingToMove(from: string, why: string): CodedError {
  return new CodedError(
    "invalid_parameter",
    `--from: ${resolve(from)} ${why}, so that there is nothing to move`,
    { field: "from" },
  );
}

/** Opened after whoever counted has closed it: values that were erased are forgotten by now. */
async function openStore(
  { store }: Settings,
  { storePath: path, databasePath }: DataDirectory,
  warn: (message: string) => void,
): Promise<OwnStore> {
  return await openOwnStore(store, { path, databasePath, threads: storeThreads, warn });
}

/** Rejects where they are there and can't carry the log. */
async function makeTopics({ queue }: Settings): Promise<void> {
  await using clicks = await openQueueWriter(queue, undefined);
  await using order = await openOrderWriter(queue, "");
  void [clicks, order];
}

/** New ones; but clicks may come in already while a move that was begun goes on. */
async function checkTopics({ queue }: Settings, { stepsDone }: MoveTarget): Promise<void> {
  await using order = await openOrderReader(queue, undefined);
  await using clicks = await openOthersTopic(queue);
  const isUsed = async (reader: ClickQueueReader): Promise<boolean> =>
    (await reader.ends()).some((end) => end > 0);
  if ((await isUsed(order)) || (stepsDone.size === 0 && (await isUsed(clicks))))
    throw new CodedError(
      "already_exists",
      `the topic ${queue.topic}, or that of the order of its commits, has records: name one that is new in queue.topic`,
      { field: "queue.topic" },
    );
}

async function finish(
  settings: Settings,
  directory: DataDirectory,
  target: MoveTarget,
): Promise<void> {
  const file = durableTextFile(directory.configPath);
  if (!(await readLogged(file, true))) throw new Error("a store without a record of its settings");
  const notes = await foundingNotes(target.id, directory.dedupSecret);
  await directory.markMoved(placeOf(settings));
  await target.finish(new Map([...notes, [settingsNote, (await file.read())!]]));
}

function placeOf({ store, queue }: Settings): { database: string; topic: string } {
  return { database: store.database, topic: queue.topic };
}

function summed(tell: (done: number) => void): (count: number) => void {
  let done = 0;
  return (count) => {
    done += count;
    tell(done);
  };
}
