/** Which tables there are and which columns they have, in memory; the database is asked once, when it is opened. */

import { dayMs } from "../../model/time.ts";
import type { Connection } from "./connection.ts";
import type { Column, ColumnType } from "./schema.ts";
import {
  addColumn,
  createTable,
  deltaTable,
  dictionaryColumns,
  dictionaryTable,
  expiredTable,
  minutesTable,
  parts,
  rawTable,
  scatteredTable,
} from "./schema.ts";

export class TableShape {
  readonly name: string;
  /** In the order of the table. */
  readonly columns: readonly Column[];
  private readonly names: ReadonlySet<string>;

  constructor(name: string, columns: readonly Column[]) {
    this.name = name;
    this.columns = columns;
    this.names = new Set(columns.map((column) => column.name));
  }

  has(column: string): boolean {
    return this.names.has(column);
  }
}

/** What a commit writes to, beyond the fixed tables. */
export interface NeededTables {
  readonly days: Iterable<number>;
  readonly expired: boolean;
  /** Minute dimensions. */
  readonly keyed: readonly Column[];
  /** Raw dimensions. */
  readonly unkeyed: readonly Column[];
  readonly dictionaries: Iterable<string>;
}

export class Catalog {
  private readonly tables = new Map<string, TableShape>();
  private sortedDays: readonly number[] = [];
  /** Rises with every change. */
  version = 0;

  static async load(connection: Connection): Promise<Catalog> {
    const rows = await connection.rows(
      `SELECT table_name, column_name, data_type FROM duckdb_columns()
       WHERE database_name = current_database() AND NOT internal ORDER BY table_name, column_index`,
    );
    const byTable = Map.groupBy(rows, (row) => row[0] as string);
    return Catalog.of(
      [...byTable].map(([name, columns]) => {
        const shape = columns.map((row) => ({
          name: row[1] as string,
          type: row[2] as ColumnType,
        }));
        return new TableShape(name, shape);
      }),
    );
  }

  static of(tables: readonly TableShape[]): Catalog {
    const catalog = new Catalog();
    const days = new Set<number>();
    for (const table of tables) {
      catalog.tables.set(table.name, table);
      const day = dayOfTable(table.name);
      if (day !== undefined) days.add(day);
    }
    catalog.sortedDays = [...days].sort((a, b) => a - b);
    return catalog;
  }

  /** Days that have tables of their own, ascending. */
  get days(): readonly number[] {
    return this.sortedDays;
  }

  all(): TableShape[] {
    return [...this.tables.values()];
  }

  hasTable(name: string): boolean {
    return this.tables.has(name);
  }

  table(name: string): TableShape {
    const shape = this.tables.get(name);
    if (!shape) throw new Error(`no table ${name}`);
    return shape;
  }

  get dictionaries(): string[] {
    const prefix = dictionaryTable("");
    return [...this.tables.keys()]
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length));
  }

  /** Tables of raw clicks of these days alone. */
  rawOfDays(firstDay: number, lastDay: number): TableShape[] {
    return this.daysWithin(firstDay, lastDay).flatMap((day) =>
      parts.flatMap((part) => this.tables.get(rawTable(day, part)) ?? []),
    );
  }

  /** Clicks of any day. */
  scattered(): TableShape[] {
    return parts.map((part) => this.table(scatteredTable(part)));
  }

  /** All tables that may hold raw clicks of these days. */
  raw(firstDay: number, lastDay: number): TableShape[] {
    return [...this.rawOfDays(firstDay, lastDay), ...this.scattered()];
  }

  deltas(): TableShape[] {
    return parts.map((part) => this.table(deltaTable(part)));
  }

  /** All tables that may hold minute counts of these days. */
  minutes(firstDay: number, lastDay: number): TableShape[] {
    const compacted = this.daysWithin(firstDay, lastDay).flatMap(
      (day) => this.tables.get(minutesTable(day)) ?? [],
    );
    return [...compacted, ...this.deltas()];
  }

  /** Statements that make room for these clicks; none where everything is there. */
  missing(needed: NeededTables): string[] {
    const dictionaries = [...needed.dictionaries].map(dictionaryTable);
    const raw = [...needed.keyed, ...needed.unkeyed];
    return [
      ...dictionaries
        .filter((name) => !this.tables.has(name))
        .map((name) => createTable(name, dictionaryColumns)),
      ...parts.flatMap((part) => this.missingColumns(deltaTable(part), needed.keyed)),
      ...parts.flatMap((part) => this.missingColumns(scatteredTable(part), raw)),
      ...(needed.expired ? this.missingColumns(expiredTable, raw) : []),
      ...[...needed.days].flatMap((day) => this.missingRaw(day, raw)),
    ];
  }

  /** Statements that give days all tables, with all columns, that clicks and counts of now could need. */
  missingOfDays(days: readonly number[]): string[] {
    const raw = this.table(scatteredTable(0)).columns;
    return [...days.flatMap((day) => this.missingRaw(day, raw)), ...this.missingMinutes(days)];
  }

  /** Statements that let compaction move all columns of the deltas to these days. */
  missingMinutes(days: readonly number[]): string[] {
    const { columns } = this.table(deltaTable(0));
    return days.flatMap((day) => this.missingTable(minutesTable(day), columns));
  }

  /** A new day gets every column that was ever needed: they will be needed again. */
  private missingRaw(day: number, columns: readonly Column[]): string[] {
    const known = union([...this.table(scatteredTable(0)).columns, ...columns]);
    return parts.flatMap((part) =>
      this.tables.has(rawTable(day, part))
        ? this.missingColumns(rawTable(day, part), columns)
        : [createTable(rawTable(day, part), known)],
    );
  }

  private missingTable(name: string, columns: readonly Column[]): string[] {
    return this.tables.has(name)
      ? this.missingColumns(name, columns)
      : [createTable(name, columns)];
  }

  private missingColumns(table: string, columns: readonly Column[]): string[] {
    const shape = this.table(table);
    return columns
      .filter((column) => !shape.has(column.name))
      .map((column) => addColumn(table, column));
  }

  private daysWithin(firstDay: number, lastDay: number): number[] {
    return this.sortedDays.filter((day) => day >= firstDay && day <= lastDay);
  }

  /** Takes over what another look at the database has found. */
  replaceWith(other: Catalog): void {
    this.tables.clear();
    for (const [name, shape] of other.tables) this.tables.set(name, shape);
    this.sortedDays = other.sortedDays;
    this.version++;
  }
}

function union(columns: readonly Column[]): Column[] {
  return [...new Map(columns.map((column) => [column.name, column])).values()];
}

function dayOfTable(name: string): number | undefined {
  const match = /^(?:raw|minutes)_(\d{4})(\d\d)(\d\d)(?:_[01])?$/.exec(name);
  if (!match) return undefined;
  return Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3])) / dayMs;
}
