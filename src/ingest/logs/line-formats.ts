/** Lines of logs as named values: objects, rows under a header, or the text of a web server's log format. */

import { parse } from "csv-parse/sync";

/** A number or boolean where the line is JSON. */
export type LineValues = Readonly<Record<string, unknown>>;

export type ReadLine = { readonly values: LineValues } | { readonly problem: string };

/** Of nginx and Apache; what may stand behind it is left alone. */
const combined =
  '$remote_addr $remote_ident $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';

/** `header`: the cells of the file's first line, where its format has one. */
export type LineReader = (text: string, header: readonly string[]) => ReadLine;

/** `format`: as in model/log-source.ts. */
export function lineReaderOf(format: string): LineReader {
  if (format === "ndjson") return readObject;
  if (format === "csv") return readRow;
  return format === "combined" ? textReader(combined, true) : textReader(format, false);
}

export function hasHeader(format: string): boolean {
  return format === "csv";
}

/** Empty where it can't be read. */
export function headerCells(text: string): readonly string[] {
  return cellsOf(text) ?? [];
}

function readObject(text: string): ReadLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: "the line is no JSON" };
  }
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? { values: value as LineValues } : { problem: "the line is no JSON object" };
}

function readRow(text: string, header: readonly string[]): ReadLine {
  const cells = cellsOf(text);
  if (!cells) return { problem: "the line is no row of CSV" };
  if (cells.length !== header.length)
    return {
      problem: `the row has ${cells.length} cells where the header has ${header.length}`,
    };
  return { values: Object.fromEntries(header.map((name, i) => [name, cells[i]])) };
}

function cellsOf(text: string): readonly string[] | undefined {
  try {
    const rows = parse(text, { relax_column_count: true }) as string[][];
    return rows.length === 1 ? rows[0] : undefined;
  } catch {
    return undefined;
  }
}

/** A value ends where the text that follows its name begins; so a line is read in one pass, whatever stands in it. */
function textReader(format: string, mayGoOn: boolean): LineReader {
  const parts = format.split(/\$\{?(\w+)\}?/);
  const names: string[] = [];
  let pattern = `^${literal(parts[0]!)}`;
  for (let i = 1; i < parts.length; i += 2) {
    names.push(parts[i]!);
    const next = parts[i + 1]!;
    pattern += `${valuePattern(next)}${literal(next)}`;
  }
  const regexp = new RegExp(`${pattern}${mayGoOn ? "(?: .*)?" : ""}$`);
  return (text) => {
    const found = regexp.exec(text);
    if (!found) return { problem: "the line is not of the declared format" };
    const entries = names.map((name, i) => [name, unescaped(found[i + 1]!)] as const);
    return { values: Object.fromEntries(entries.filter(([, value]) => value !== "-")) };
  };
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}

function valuePattern(next: string): string {
  if (next === "") return "(.*)";
  if (next.startsWith('"')) return String.raw`((?:[^"\\]|\\.)*)`;
  // Behind a space: a user's name may have some.
  const bracket = /^ (["[(<|])/.exec(next)?.[1];
  return bracket === undefined ? `([^${literal(next[0]!)}]*)` : `([^${literal(bracket)}]*?)`;
}

const namedEscapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b" };

/** As nginx (`\x22`) and Apache (`\"`) write what could be taken for the line's own. */
function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  const parts = text.split(/\\(x[0-9a-fA-F]{2}|.)/);
  const bytes = parts.map((part, i) => {
    if (i % 2 === 0) return Buffer.from(part);
    return part.length === 3
      ? Buffer.from(part.slice(1), "hex")
      : Buffer.from(namedEscapes[part] ?? part);
  });
  return Buffer.concat(bytes).toString();
}
