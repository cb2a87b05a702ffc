/**
 * Tables as CSV (RFC 4180): CRLF, a header row, quotes where needed. Values are exact, so a value that a
 * spreadsheet would take for a formula (`=…`) is written as it is. A missing value is empty, an empty text is `""`.
 */

export type Cell = string | number | boolean | null | undefined;

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

export function formatCsv({ columns, rows }: Table): string {
  let csv = formatLine(columns);
  for (const row of rows) csv += formatLine(row);
  return csv;
}

function formatLine(cells: readonly Cell[]): string {
  return `${cells.map((cell) => formatCell(cell)).join(",")}\r\n`;
}

function formatCell(cell: Cell): string {
  if (cell === null || cell === undefined) return "";
  const text = String(cell);
  return text === "" || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A table of objects: the named members of each. */
export function tableOf<Column extends string>(
  columns: readonly Column[],
  objects: readonly Readonly<Partial<Record<Column, Cell>>>[],
): Table {
  return { columns, rows: objects.map((object) => columns.map((column) => object[column])) };
}
