/** A database that is being moved into, read as the store that it is going to be. */

import type {
  ClickTally,
  DaySpan,
  MovedDimensions,
  MovedStore,
  WholeTable,
} from "../store-moves.ts";
import { minutesADay } from "../../model/time.ts";
import { ClickHouseReader } from "./clickhouse-reader.ts";
import type { Database } from "./database.ts";
import { clicksToSql, columnsOf } from "./seen-sql.ts";
import { loadState } from "./state.ts";
import type { StoreState } from "./state.ts";

export class MovedClickHouseStore extends ClickHouseReader implements MovedStore {
  private readonly dimensions: MovedDimensions;

  private constructor(database: Database, state: StoreState, dimensions: MovedDimensions) {
    super(database, state);
    this.dimensions = dimensions;
  }

  /** As of this commit, with all before it. */
  static async load(
    database: Database,
    sequence: number,
    dimensions: MovedDimensions,
  ): Promise<MovedClickHouseStore> {
    const state = await loadState(database, { settledThrough: sequence, voids: [] });
    return new MovedClickHouseStore(database, state, dimensions);
  }

  async clickTally({ firstDay, lastDay }: DaySpan): Promise<ClickTally> {
    const range = { fromMinute: firstDay * minutesADay, toMinute: (lastDay + 1) * minutesADay };
    const summed = [
      "sequence",
      "log_offset",
      "row",
      "received_at",
      "click_timestamp",
      "reinterpretAsUInt32(reverse(substring(event_id, 13, 4)))",
      "event_id_kind",
      "length(event_id_text)",
      "length(source)",
      "length(ad_id)",
      ...columnsOf(this.dimensions.click).flatMap((column) => [
        `ifNull(length(${column}), 0)`,
        `isNull(${column})`,
      ]),
    ];
    const sums = summed.map((value) => `toString(sum(toInt128(${value})))`);
    const rows = await this.connection.rows(
      `SELECT ${["outcome", "toString(count())", ...sums].join(", ")}
       FROM ${clicksToSql(this.view(), undefined, range)} GROUP BY outcome`,
    );
    return new Map(rows.map(([outcome, ...told]) => [outcome as number, told as string[]]));
  }

  async rowCount(table: WholeTable): Promise<number> {
    const [row] = await this.connection.rows(`SELECT count() FROM ${table}`);
    return row![0] as number;
  }
}
