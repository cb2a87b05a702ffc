/** The MoveSource port over an open store. */

import type duckdb from "@duckdb/node-bindings";
import type {
  ClickTally,
  DaySpan,
  MovedClicks,
  MovedDayTable,
  MovedDimensions,
  MovedMinutes,
  MovedRow,
  MovedTable,
  MoveSource,
} from "../store-moves.ts";
import type { Connection } from "./connection.ts";
import { readDroppedDays } from "./dropped-days.ts";
import { clicksOf, minutesOf, rowsOf } from "./move-chunks.ts";
import type { MoveContext } from "./move-sql.ts";
import {
  clicksToSql,
  dayRowsToSql,
  daysToSql,
  minutesRowsToSql,
  movedDimensionsOf,
  tableToSql,
  tallyToSql,
} from "./move-sql.ts";
import type { Session } from "./session.ts";

/** A span has one day, or several that have no more rows than this. */
const spanRowsMax = 200_000;
/** Each day is a partition of the other store's tables. */
const spanDaysMax = 100;

export class DuckDbMoves implements MoveSource {
  readonly dimensions: MovedDimensions;
  private readonly session: Session;

  constructor(session: Session) {
    this.session = session;
    this.dimensions = movedDimensionsOf(session.context);
  }

  async spans(): Promise<readonly DaySpan[]> {
    return await this.read(async (connection, context) =>
      spansOf((await connection.rows(daysToSql(context))) as unknown as [number, number][]),
    );
  }

  async *clicks(span: DaySpan): AsyncGenerator<MovedClicks> {
    const sql = clicksToSql(span, this.dimensions.click, await this.context());
    yield* this.stream(sql, (chunk) => clicksOf(chunk, this.dimensions));
  }

  async *minutes(span: DaySpan): AsyncGenerator<MovedMinutes> {
    const sql = minutesRowsToSql(span, this.dimensions.minute, await this.context());
    yield* this.stream(sql, (chunk) => minutesOf(chunk, this.dimensions));
  }

  async *rows(table: MovedTable): AsyncGenerator<readonly MovedRow[]> {
    for (const { sql, types } of tableToSql(table, this.session.context.catalog))
      yield* this.stream(sql, (chunk) => rowsOf(chunk, types));
  }

  async *dayRows(table: MovedDayTable, span: DaySpan): AsyncGenerator<readonly MovedRow[]> {
    const { sql, types } = dayRowsToSql(table, span, await this.context());
    yield* this.stream(sql, (chunk) => rowsOf(chunk, types));
  }

  async clickTally(span: DaySpan): Promise<ClickTally> {
    const { click } = this.dimensions;
    const rows = await this.read((connection, context) =>
      connection.rows(tallyToSql(span, click, context)),
    );
    return new Map(rows.map(([outcome, ...sums]) => [outcome as number, sums as string[]]));
  }

  private context(): Promise<MoveContext> {
    return this.read(async (_, context) => context);
  }

  private read<T>(work: (connection: Connection, context: MoveContext) => Promise<T>): Promise<T> {
    return this.session.use(({ engine, writer }) =>
      engine.readers.use(async (connection) => {
        const dropped = await readDroppedDays(connection);
        return await work(connection, { ...writer.context, dropped });
      }),
    );
  }

  private stream<T>(sql: string, read: (chunk: duckdb.DataChunk) => T): AsyncIterable<T> {
    return this.session.stream(({ engine }) =>
      engine.readers.stream(() => ({ sql, values: [] }), read),
    );
  }
}

/** Of days with the number of their rows. */
function spansOf(days: readonly (readonly [day: number, rowCount: number])[]): DaySpan[] {
  const spans: DaySpan[] = [];
  let daysInLast = 0;
  for (const [day, rowCount] of days) {
    const last = spans.at(-1);
    const hasRoom = last && daysInLast < spanDaysMax && last.rowCount + rowCount <= spanRowsMax;
    if (hasRoom) spans.pop();
    daysInLast = hasRoom ? daysInLast + 1 : 1;
    spans.push({
      firstDay: hasRoom ? last.firstDay : day,
      lastDay: day,
      rowCount: hasRoom ? last.rowCount + rowCount : rowCount,
    });
  }
  return spans;
}
