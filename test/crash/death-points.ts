/**
 * Labelled moments of death: where in the source the process kills itself, and what has to happen for it to get
 * there. The product knows nothing of them.
 */
import type { DeathPoint } from "./death-point.ts";
import { point } from "./death-point.ts";

const accept = "src/ingest/accept.ts";
const clickRoutes = "src/api/routes/clicks.ts";
const ingestThread = "src/threads/ingest-thread.ts";
const writer = "src/queue/sqlite/writer.ts";
const queueLog = "src/queue/sqlite/write-ahead-log.ts";
const storeWriter = "src/store/duckdb/store-writer.ts";
const compact = "src/store/duckdb/compact.ts";
const maintenance = "src/pipeline/maintenance.ts";
const pipeline = "src/pipeline/pipeline.ts";
const engine = "src/engine/engine.ts";
const configLog = "src/config/config-log.ts";

// Statements that more than one label is about.
const append = "      const positions = await this.append(records);";
const queueCommit = "      this.commit.run();";
const foldBack = "      this.fold.get();";
const trim = "      await parts().queue.trim(partition, nextOffset);";
const storeCommit = '      await writer.run("COMMIT");';
const transactionWork = "    await work();";
const defineTables = "    await this.defineTables(statements);\n";

const ingestPoints = [
  point("ingest has taken a group, nothing is appended", accept, "before", append, 30),
  point("a group is appended, nobody has an ack", accept, "after", append, 30),
  point(
    "ingest has given its answers to the main thread",
    accept,
    "before",
    "      for (const { job, start, end } of made)",
    30,
  ),
  point(
    "the main thread knows where a body went, its sender does not",
    clickRoutes,
    "before",
    "      if (answer.accepted === 0 && answer.received > 0)",
    30,
  ),
  point(
    "the main thread knows what became of a body, its sender does not",
    clickRoutes,
    "after",
    "      const outcomes = await waitCounted(query, ranges);",
    10,
  ),
];

const queuePoints = [
  point("a transaction of the queue has begun", writer, "after", "      this.begin.run();", 30),
  point("a group is inserted in part", writer, "before", "    this.inserts[partition]!.run(", 30),
  point("before the queue's COMMIT", writer, "before", queueCommit, 30),
  point("after the queue's COMMIT", writer, "after", queueCommit, 30),
  point(
    "before the queue's end is noted as acknowledged",
    writer,
    "before",
    "    this.ackedEnds.note(tails.nextOffsets);",
    30,
  ),
  point(
    "after the queue's end is noted as acknowledged",
    writer,
    "after",
    "    this.ackedEnds.note(tails.nextOffsets);",
    30,
  ),
  point("before the queue's WAL is folded back", queueLog, "before", foldBack, 4),
  point("after the queue's WAL is folded back", queueLog, "after", foldBack, 4),
  point("before a trim", ingestThread, "before", trim, 2),
  point(
    "a trim has deleted records, the log's beginning is where it was",
    "src/queue/sqlite/trim.ts",
    "before",
    "    this.moveStart.run(",
    4,
  ),
  point(
    "between the chunks of a trim",
    writer,
    "before",
    "      await new Promise(setImmediate);",
    4,
  ),
  point("after a trim", ingestThread, "after", trim, 2),
];

const storePoints = [
  point(
    "a transaction of the store has begun",
    storeWriter,
    "after",
    '      await writer.run("BEGIN");',
    5,
  ),
  point("before the store's COMMIT", storeWriter, "before", storeCommit, 5),
  point("while the store's COMMIT runs", storeWriter, "soon", storeCommit, 5),
  point("after the store's COMMIT, its state is not noted", storeWriter, "after", storeCommit, 5),
  point(
    "a commit is through, nobody is told",
    "src/pipeline/committer.ts",
    "before",
    "      this.listener.committed(commit, durationMs);",
    5,
  ),
  point(
    "queries know of a commit, who waits for it does not",
    pipeline,
    "before",
    "    this.committed.note(commit);",
    5,
  ),
];

const maintenancePoints = [
  point(
    "before a checkpoint",
    maintenance,
    "before",
    '    const covered = await this.attempt("checkpoint"',
    2,
  ),
  point(
    "before a checkpoint, what it overwrites is kept",
    storeWriter,
    "before",
    '        await this.engine.maintenance.run("CHECKPOINT");',
    2,
  ),
  point(
    "while a checkpoint runs",
    storeWriter,
    "soon",
    '        await this.engine.maintenance.run("CHECKPOINT");',
    2,
  ),
  point(
    "between a checkpoint and its trim",
    maintenance,
    "before",
    "    const done = covered &&",
    2,
  ),
  point(
    "after a checkpoint and its trim",
    maintenance,
    "before",
    "    if (!done) this.isTrimmed = false;",
    2,
  ),
  point(
    "a compaction has written minutes, their deltas are there too",
    compact,
    "before",
    "    const moved = `minute < ${endMinute}",
  ),
  point("before the COMMIT of maintenance", compact, "after", transactionWork, 2),
  point("while the COMMIT of maintenance runs", compact, "soon", transactionWork, 2),
  point("before a day gets tables", storeWriter, "before", defineTables, 1, "new day"),
  point(
    "a day has tables, the catalog does not know",
    storeWriter,
    "before",
    "    catalog.replaceWith(await Catalog.load(maintenance));",
    1,
    "new day",
  ),
  point(
    "a day has tables, no checkpoint covers them",
    storeWriter,
    "after",
    defineTables,
    1,
    "new day",
  ),
];

const settingsPoints = [
  point(
    "new settings are decided on, not written down",
    configLog,
    "before",
    "  return await write(file, { version: formatVersion, config, appended: false",
    1,
    "new settings",
  ),
  point(
    "new settings are in config.json, not in the log",
    configLog,
    "before",
    '  await append({ type: "config"',
    1,
    "new settings",
  ),
  point(
    "new settings are in the log, config.json does not say so",
    configLog,
    "before",
    "  await write(file, { ...planned, appended: true });",
    1,
    "new settings",
  ),
  point(
    "a durable file is written beside the old one",
    "src/files/durable-file.ts",
    "before",
    "  await rename(temporaryPath, path);",
    3,
    "new settings",
  ),
];

const recoveryPoints = [
  point(
    "recovery has opened the store",
    engine,
    "before",
    "  const recovered = await store.recover();",
  ),
  point(
    "recovery has read what the store knows",
    engine,
    "before",
    "  checkGeneration(recovered, options.configGeneration);",
  ),
  point(
    "recovery begins the index of ids",
    pipeline,
    "before",
    "    const isDone = await rebuildDedup({",
  ),
  point(
    "recovery has the index of ids",
    pipeline,
    "before",
    "    const ms = clock.monotonicMs() - startMs;",
  ),
  point(
    "recovery is about to answer queries",
    engine,
    "before",
    "  const query = await QueryEngine.open({",
  ),
  point(
    "recovery is done, nothing is folded",
    engine,
    "before",
    "  const stopped = pipeline.start((signal) => query.loadRecent({ signal, turn }));",
  ),
];

const stopPoints = [
  point(
    "a stop has committed what was in hand, before its checkpoint",
    pipeline,
    "before",
    "    await this.maintenance.checkpoint();",
    1,
    "stop",
  ),
  point(
    "a stop closes the store",
    "src/store/duckdb/engine.ts",
    "before",
    "  duckdb.close_sync(database);",
    1,
    "stop",
  ),
  point("a stop closes the queue", writer, "before", "      this.database.close();", 1, "stop"),
];

/** On the way of a service that has served before. */
export const deathPoints: readonly DeathPoint[] = [
  ...ingestPoints,
  ...queuePoints,
  ...storePoints,
  ...maintenancePoints,
  ...settingsPoints,
  ...recoveryPoints,
  ...stopPoints,
];
