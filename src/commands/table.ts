/** Tables for a terminal. */

export type Cell = string | number | boolean | null | undefined;

/** Columns as wide as their widest cell, numbers to the right; a missing value is `-`. */
export function formatTable(
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
): string {
  const lines = [
    columns,
    ...rows.map((row) => columns.map((_, column) => formatCell(row[column]))),
  ];
  const widths = columns.map((_, column) =>
    Math.max(...lines.map((line) => widthOf(line[column]!))),
  );
  const isNumeric = columns.map((_, column) =>
    rows.every((row) => row[column] === null || typeof row[column] === "number"),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) => {
          const padding = " ".repeat(widths[column]! - widthOf(cell));
          return isNumeric[column] ? padding + cell : cell + padding;
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Of each row the members that the columns name. */
export function formatRows<Column extends string>(
  columns: readonly Column[],
  rows: readonly Readonly<Partial<Record<Column, Cell>>>[],
): string {
  return formatTable(
    columns,
    rows.map((row) => columns.map((column) => row[column])),
  );
}

function formatCell(cell: Cell): string {
  if (cell === null || cell === undefined) return "-";
  return typeof cell === "string" ? printable(cell) : String(cell);
}

/** What callers sent must not steer the terminal of who looks at it. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0)!.toString(16);
    return `\\u{${code}}`;
  });
}

function widthOf(cell: string): number {
  return [...cell].length;
}
