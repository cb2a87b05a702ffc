/** Which tables there are and which columns they have, in memory; the database is asked once, when it is opened. */

import type { Connection } from "./connection.ts";
import type { Column, ColumnType, Part } from "./schema.ts";
import {
  addColumn,
  createTable,
  deltaTable,
  dictionaryColumns,
  dictionaryTable,
  expiredTable,
  minuteColumns,
  minutesTable,
  parts,
  rawColumns,
  rawTable,
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
  private readonly dayNumbers = new Set<number>();
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
    for (const table of tables) {
      catalog.tables.set(table.name, table);
      const day = dayOfRawTable(table.name);
      if (day !== undefined) catalog.dayNumbers.add(day);
    }
    catalog.sortedDays = [...catalog.dayNumbers].sort((a, b) => a - b);
    return catalog;
  }

  /** Days with tables, ascending. */
  get days(): readonly number[] {
    return this.sortedDays;
  }

  /** Those of `[firstDay, lastDay]`. */
  daysWithin(firstDay: number, lastDay: number): number[] {
    return this.sortedDays.filter((day) => day >= firstDay && day <= lastDay);
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

  raw(day: number): TableShape[] {
    return parts.map((part) => this.table(rawTable(day, part)));
  }

  deltas(): TableShape[] {
    return parts.map((part) => this.table(deltaTable(part)));
  }

  /** Statements that make room for these clicks; none where everything is there. */
  missing(needed: NeededTables): string[] {
    const statements: string[] = [];
    for (const dictionary of needed.dictionaries) {
      const name = dictionaryTable(dictionary);
      if (!this.tables.has(name)) statements.push(createTable(name, dictionaryColumns));
    }
    const keyed = this.mergedWith(deltaTable(0), needed.keyed);
    for (const part of parts)
      statements.push(...this.missingColumns(deltaTable(part), needed.keyed));
    for (const day of needed.days) statements.push(...this.missingOfDay(day, keyed, needed));
    if (needed.expired) {
      statements.push(...this.missingColumns(expiredTable, [...needed.keyed, ...needed.unkeyed]));
    }
    return statements;
  }

  /** Statements that give `day` its tables, shaped like those of the day before it that has some. */
  missingFor(day: number): string[] {
    const before = this.sortedDays.findLast((other) => other <= day);
    if (before === undefined || this.dayNumbers.has(day)) return [];
    return [
      ...parts.map((part) =>
        createTable(rawTable(day, part), this.table(rawTable(before, part)).columns),
      ),
      createTable(minutesTable(day), this.table(minutesTable(before)).columns),
    ];
  }

  /** Statements that let compaction move all columns of the deltas to these days. */
  missingForCompaction(days: Iterable<number>): string[] {
    const keyed = this.table(deltaTable(0)).columns.filter((column) =>
      column.name.startsWith("k_"),
    );
    return [...days].flatMap((day) =>
      this.tables.has(minutesTable(day))
        ? this.missingColumns(minutesTable(day), keyed)
        : [createTable(minutesTable(day), [...minuteColumns, ...keyed])],
    );
  }

  private missingOfDay(day: number, keyed: readonly Column[], needed: NeededTables): string[] {
    if (this.dayNumbers.has(day)) {
      return parts.flatMap((part) =>
        this.missingColumns(rawTable(day, part), [...needed.keyed, ...needed.unkeyed]),
      );
    }
    const newest = this.sortedDays.at(-1);
    const like = newest === undefined ? [] : this.table(rawTable(newest, 0)).columns;
    const columns = union([...rawColumns, ...like, ...keyed, ...needed.unkeyed]);
    return [
      ...parts.map((part: Part) => createTable(rawTable(day, part), columns)),
      createTable(minutesTable(day), union([...minuteColumns, ...keyed])),
    ];
  }

  private missingColumns(table: string, columns: readonly Column[]): string[] {
    const shape = this.table(table);
    return columns
      .filter((column) => !shape.has(column.name))
      .map((column) => addColumn(table, column));
  }

  private mergedWith(table: string, columns: readonly Column[]): Column[] {
    const keyed = this.table(table).columns.filter((column) => column.name.startsWith("k_"));
    return union([...keyed, ...columns]);
  }

  /** Takes over what another look at the database has found. */
  replaceWith(other: Catalog): void {
    this.tables.clear();
    this.dayNumbers.clear();
    for (const [name, shape] of other.tables) this.tables.set(name, shape);
    for (const day of other.dayNumbers) this.dayNumbers.add(day);
    this.sortedDays = other.sortedDays;
    this.version++;
  }
}

function union(columns: readonly Column[]): Column[] {
  return [...new Map(columns.map((column) => [column.name, column])).values()];
}

function dayOfRawTable(name: string): number | undefined {
  const match = /^raw_(\d{4})(\d\d)(\d\d)_[01]$/.exec(name);
  if (!match) return undefined;
  return Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3])) / 86_400_000;
}
