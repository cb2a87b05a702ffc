/**
 * The MoveTarget port over a ClickHouse database. It is made like any other, but for a mark in `meta` by which no process
 * opens it as a store before the move is finished. What a step brings is taken away before it is brought again, so that it may
 * be ended anywhere.
 */

import type { OrderState } from "../../order/commit-order.ts";
import { CodedError } from "../../model/errors.ts";
import { movedPartition } from "../../model/partition.ts";
import type {
  DaySpan,
  MovedClicks,
  MovedDayTable,
  MovedDimensions,
  MovedFacts,
  MovedMinutes,
  MovedRow,
  MovedRows,
  MovedStore,
  MovePlan,
  MoveTarget,
  WholeTable,
} from "../store-moves.ts";
import { blockOfRows } from "./column-writer.ts";
import type { Connection } from "./connection.ts";
import { integer, literals } from "./connection.ts";
import type { Database, DatabaseOptions } from "./database.ts";
import { addColumnsOf } from "./dimension-columns.ts";
import type { MoveMark } from "./move-marks.ts";
import { movedName, movingName, readMove } from "./move-marks.ts";
import { clickBlocks, minuteBlocks, PartitionsOfBefore } from "./moved-blocks.ts";
import { MovedClickHouseStore } from "./moved-store.ts";
import type { NativeBlock } from "./native-block.ts";
import { addMeta, idsOf, makeDatabase, makeTables, readMeta } from "./open.ts";
import { writeOrderSnapshot } from "./order-snapshot.ts";
import type { FactTable } from "./schema.ts";
import { commitColumns, createTable, factTables, tables } from "./schema.ts";
import { splitByDays } from "./split-days.ts";
import { readDimensions } from "./state.ts";

/** Steps that are through; it goes when the move is finished. */
const stepTable = "moved_step";
const stepColumns = [{ name: "step", type: "String" }] as const;
/** Of small rows, that go in one insert. */
const rowsTogether = 100_000;

/**
 * Rejects with `already_exists` where the database is a store that nothing was moved into, or another data directory was. Where
 * the source has changed since an earlier try, the move begins anew. Rejects with `invalid_configuration` where the database is
 * to be spread over shards: an outcome that was changed has to lie with its click, which has a partition of before.
 */
export async function openMoveTarget(
  options: DatabaseOptions,
  plan: MovePlan,
  dimensions: MovedDimensions,
): Promise<MoveTarget> {
  if (options.cluster !== undefined)
    throw new CodedError(
      "invalid_configuration",
      "a data directory can't be moved into the shards of a cluster in this release: leave store.cluster out",
      { field: "store.cluster" },
    );
  await using resources = new AsyncDisposableStack();
  const database = resources.use(await makeDatabase(options));
  const { connection } = database;
  const mark = await marked(database, plan);
  const [id] = idsOf(await readMeta(database));
  if (!mark.isFinished) {
    await connection.run(createTable(stepTable, { columns: stepColumns, orderBy: "step" }));
    await addColumnsOf(database, await readDimensions(database), {
      click: dimensions.click,
      minute_count: dimensions.minute,
      addresses: dimensions.addresses,
    });
  }
  const steps = mark.isFinished ? [] : await connection.rows(`SELECT step FROM ${stepTable}`);
  resources.move();
  return new ClickHouseMoveTarget(
    { database, plan, dimensions, id: id!, isFinished: mark.isFinished },
    steps.map(([step]) => step as string),
  );
}

async function marked(
  database: Database,
  plan: MovePlan,
): Promise<Pick<MoveMark & { isFinished: boolean }, "isFinished">> {
  const { name, connection } = database;
  let known = await readMove(database);
  if (!known && (await readMeta(database)).every((rows) => rows.length === 0)) {
    await makeTables(database, [markOf(plan, 1)]);
    known = await readMove(database);
  }
  // One that was made at the same moment as a store is none to move into.
  if (!known || idsOf(await readMeta(database)).length !== 1)
    throw notEmpty(`the database ${name} is a store of its own`);
  const { tries, isFinished, ...planned } = known;
  if (planned.source !== plan.source)
    throw notEmpty(
      `another data directory ${isFinished ? "was" : "is being"} moved into the database ${name}`,
    );
  if (samePlan(planned, plan)) return { isFinished };
  if (isFinished)
    throw notEmpty(
      `the data directory was moved into the database ${name} as of commit ${planned.sequence} with ` +
        `${planned.partitions} partitions, which can't be done again`,
    );
  await connection.run(`DROP TABLE IF EXISTS ${stepTable}`);
  for (const table of Object.keys(tables)) await connection.run(`TRUNCATE TABLE ${table}`);
  await addMeta(database, [markOf(plan, tries + 1)]);
  return { isFinished };
}

function markOf(plan: MovePlan, tries: number): [string, string] {
  return [movingName, JSON.stringify({ ...plan, tries } satisfies MoveMark)];
}

function samePlan(a: MovePlan, b: MovePlan): boolean {
  return (
    a.sequence === b.sequence &&
    a.partitionsBefore === b.partitionsBefore &&
    a.partitions === b.partitions
  );
}

function notEmpty(what: string): CodedError {
  return new CodedError("already_exists", `${what}: name one that is new in store.database`, {
    field: "store.database",
  });
}

interface TargetOptions {
  readonly database: Database;
  readonly plan: MovePlan;
  readonly dimensions: MovedDimensions;
  readonly id: string;
  readonly isFinished: boolean;
}

/** Tables of which each day is a partition. */
const dayTables = ["click", "minute_count", "restatement", "outcome_change"];

class ClickHouseMoveTarget implements MoveTarget {
  readonly id: string;
  readonly isFinished: boolean;
  readonly stepsDone: Set<string>;
  private readonly options: TargetOptions;
  private readonly connection: Connection;
  private readonly partitions: PartitionsOfBefore;

  constructor(options: TargetOptions, steps: readonly string[]) {
    const { id, isFinished, database, plan } = options;
    this.options = options;
    this.id = id;
    this.isFinished = isFinished;
    this.stepsDone = new Set(steps);
    this.connection = database.connection;
    this.partitions = new PartitionsOfBefore(plan.partitionsBefore);
  }

  async noteStep(step: string): Promise<void> {
    await this.connection.insert(stepTable, blockOfRows(stepColumns, [[step]]));
    this.stepsDone.add(step);
  }

  async forgetSteps(): Promise<void> {
    await this.connection.run(`TRUNCATE TABLE ${stepTable}`);
    this.stepsDone.clear();
  }

  async clearDays({ firstDay, lastDay }: DaySpan): Promise<void> {
    const found = await this.connection.rows(
      `SELECT DISTINCT table, toInt32(partition) AS day FROM system.parts
       WHERE database = currentDatabase() AND active AND table IN (${literals(dayTables)})
         AND day BETWEEN ${integer(firstDay)} AND ${integer(lastDay)}`,
    );
    for (const [table, day] of found as [string, number][])
      await this.connection.run(`ALTER TABLE ${table} DROP PARTITION ${integer(day)}`);
  }

  async addClicks(chunks: AsyncIterable<MovedClicks>): Promise<void> {
    await this.insert("click", clickBlocks(chunks, this.partitions));
  }

  async addMinutes(chunks: AsyncIterable<MovedMinutes>): Promise<void> {
    await this.insert("minute_count", minuteBlocks(chunks, this.partitions));
  }

  async addDayRows(table: MovedDayTable, chunks: MovedRows): Promise<void> {
    const adColumn = table === "restatement" ? 2 : 4;
    const rows = withPartition(chunks, (row) => this.partitions.of(row[adColumn] as string));
    await this.insert(table, blocksOfRows(table, rows));
  }

  async putRows(table: WholeTable, chunks: MovedRows): Promise<void> {
    if (table === "operation")
      await this.replace(
        table,
        rowsOf(chunks, ([sequence, partition, ...rest]) => [
          sequence!,
          movedPartition(partition as number),
          ...rest,
        ]),
      );
    else
      await this.replace(
        table,
        withPartition(chunks, (row) =>
          table === "ad_attribute" ? this.partitions.of(row[1] as string) : 0,
        ),
      );
  }

  async putFacts({ progress, closes, layoutChanges, droppedDays }: MovedFacts): Promise<void> {
    await this.replace(
      "commit_log",
      rowsOf(progress, ({ sequence, partition, committedAtMs, watermarkMs }) => {
        const nextOffset = 0;
        return [sequence, partition, committedAtMs, nextOffset, watermarkMs];
      }),
    );
    await this.replace(
      "closed_period",
      rowsOf([closes], ({ asOf, partition, id, throughMinute, tz, receivedAtMs }) => [
        asOf,
        partition,
        id,
        throughMinute,
        tz,
        receivedAtMs,
      ]),
    );
    await this.replace(
      "layout_change",
      rowsOf([layoutChanges], ({ asOf, partition, id, fromMinute, toMinute, dimensions }) => [
        asOf,
        partition,
        id,
        fromMinute,
        toMinute,
        JSON.stringify(dimensions),
      ]),
    );
    await this.replace(
      "dropped_day",
      rowsOf([droppedDays], ({ asOf, partition, day, what, receivedDay }) => [
        asOf,
        partition,
        day,
        what,
        receivedDay,
      ]),
    );
  }

  open(): Promise<MovedStore> {
    const { database, plan, dimensions } = this.options;
    return MovedClickHouseStore.load(database, plan.sequence + 1, dimensions);
  }

  /** The order of commits begins behind the move, which is the last commit of before. */
  async finish(notes: ReadonlyMap<string, string>): Promise<void> {
    const { database, plan } = this.options;
    const { connection } = database;
    const state: OrderState = {
      members: [],
      names: [],
      owners: [],
      terms: [],
      ends: [],
      untold: [],
      nextSequence: plan.sequence + 2,
      voids: [],
      notes: [...notes].map(([name, text]) => [name, { revision: 1, text }]),
    };
    // One of an earlier try would stand at the same place.
    await connection.run("TRUNCATE TABLE order_state");
    await writeOrderSnapshot(database, { offset: 0, state });
    await addMeta(database, [[movedName, plan.source]]);
    await connection.run(`DROP TABLE IF EXISTS ${stepTable}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.options.database[Symbol.asyncDispose]();
  }

  /** What an earlier try has brought goes first. */
  private async replace(table: FactTable, rows: MovedRows): Promise<void> {
    await this.connection.run(`TRUNCATE TABLE ${table}`);
    await this.insert(table, blocksOfRows(table, rows));
  }

  /** While a block is on its way the next one is made. */
  private async insert(table: string, blocks: AsyncIterable<NativeBlock>): Promise<void> {
    let onItsWay: Promise<void> = Promise.resolve();
    try {
      for await (const block of blocks) {
        await onItsWay;
        onItsWay = this.insertBlock(table, block);
        // Awaited in the next round, and not unhandled until then.
        onItsWay.catch(() => {});
      }
    } finally {
      await onItsWay;
    }
  }

  private async insertBlock(table: string, block: NativeBlock): Promise<void> {
    for (const piece of splitByDays(table, block)) await this.connection.insert(table, piece);
  }
}

/** Each as a row, which begins with its sequence and its partition. */
async function* rowsOf<T>(
  chunks: AsyncIterable<readonly T[]> | Iterable<readonly T[]>,
  rowOf: (one: T) => MovedRow,
): AsyncGenerator<readonly MovedRow[]> {
  for await (const chunk of chunks) yield chunk.map((one) => rowOf(one));
}

/** Rows without a partition get it behind their sequence. */
function withPartition(
  chunks: MovedRows,
  partitionOfRow: (row: MovedRow) => number,
): AsyncGenerator<readonly MovedRow[]> {
  return rowsOf(chunks, (row) => [row[0]!, partitionOfRow(row), ...row.slice(1)]);
}

async function* blocksOfRows(table: FactTable, chunks: MovedRows): AsyncGenerator<NativeBlock> {
  const columns = [...commitColumns, ...factTables[table]];
  let rows: MovedRow[] = [];
  for await (const chunk of chunks) {
    for (const row of chunk) rows.push(row);
    if (rows.length < rowsTogether) continue;
    yield blockOfRows(columns, rows);
    rows = [];
  }
  if (rows.length > 0) yield blockOfRows(columns, rows);
}
