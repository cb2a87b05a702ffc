/** CSV taken apart a character at a time, as the grammar above src/ingest/import/csv-rows.ts has it. */

import { isUtf8 } from "node:buffer";
import { judgeClick } from "./click.ts";
import type { JudgedRow, Refusal, Rules } from "./click.ts";
import { withoutMark } from "./body.ts";

/** What each row of a file makes; undefined where its header can't be used. */
export function judgeCsv(file: Uint8Array, rules: Rules): (JudgedRow | Refusal)[] | undefined {
  // A character a byte.
  const rows = rowsOf(Buffer.from(withoutMark(file)).toString("latin1"));
  const header = rows.shift();
  if (!header || !header.every(isText)) return undefined;
  const names = header.map(textOf);
  if (new Set(names).size < names.length || names.length > 4096) return undefined;
  if (!names.includes("ad_id") || !names.includes("click_timestamp")) return undefined;
  return rows.map((cells) => {
    if (!cells || cells.length !== names.length) return { code: "malformed_row" };
    const wrong = cells.findIndex((cell) => !isText(cell));
    if (wrong >= 0) return { code: "invalid_utf8", field: names[wrong]! };
    const members = names
      .map((name, column) => [name, textOf(cells[column]!)] as const)
      .filter(([, text]) => text !== "");
    return judgeClick(new Map(members), rules);
  });
}

/** The cells of each row; undefined for one that is none, which ends with its line. */
function rowsOf(text: string): (string[] | undefined)[] {
  const rows: (string[] | undefined)[] = [];
  let at = 0;
  for (;;) {
    while (/^(?:\n|\r\n|\r$)/.test(text.slice(at, at + 2))) {
      if (text[at] === "\r" && at + 1 === text.length) return rows;
      at++;
    }
    if (at >= text.length) return rows;
    const row = rowAt(text, at);
    rows.push(row?.cells);
    const lineEnd = text.indexOf("\n", at);
    at = row?.end ?? (lineEnd < 0 ? text.length : lineEnd + 1);
  }
}

const quoted = /"((?:[^"]|"")*)"(?!")(?=,|\r?\n|\r?$)/y;
const plain = /(?!")([^,\n]*?)(?=,|\r?\n|\r?$)/y;

function rowAt(text: string, start: number): { cells: string[]; end: number } | undefined {
  const cells: string[] = [];
  let at = start;
  for (;;) {
    const isQuoted = text[at] === '"';
    const pattern = isQuoted ? quoted : plain;
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (!match) return undefined;
    cells.push(isQuoted ? match[1]!.replaceAll('""', '"') : match[1]!);
    at = pattern.lastIndex;
    if (text[at] !== ",") break;
    at++;
  }
  if (text[at] === "\r") at++;
  return { cells, end: at + 1 };
}

function isText(cell: string): boolean {
  return isUtf8(Buffer.from(cell, "latin1"));
}

function textOf(cell: string): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Buffer.from(cell, "latin1"));
}
