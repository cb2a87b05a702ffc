/** Files that name clicks: NDJSON with `ad_id` and `event_id`, or CSV with these columns. */

import { createReadStream } from "node:fs";
import { extname } from "node:path";
import { createInterface } from "node:readline";
import { parse } from "csv-parse";
import type { ClickIdentity } from "../model/log-record.ts";
import { CodedError } from "../model/errors.ts";

/** In pieces of at most `atOnceMax`. CodedError `invalid_parameter` that names the line where one names no click. */
export async function* readIdentities(
  path: string,
  atOnceMax: number,
): AsyncGenerator<ClickIdentity[]> {
  const rows = extname(path) === ".csv" ? csvRows(path) : jsonRows(path);
  let gathered: ClickIdentity[] = [];
  for await (const { line, row } of rows) {
    gathered.push(identityOf(path, line, row));
    if (gathered.length < atOnceMax) continue;
    yield gathered;
    gathered = [];
  }
  if (gathered.length > 0) yield gathered;
}

interface Row {
  readonly line: number;
  readonly row: unknown;
}

async function* csvRows(path: string): AsyncGenerator<Row> {
  const parser = createReadStream(path).pipe(
    parse({ bom: true, columns: true, info: true, skip_empty_lines: true }),
  );
  for await (const { info, record } of parser as AsyncIterable<{
    info: { lines: number };
    record: unknown;
  }>)
    yield { line: info.lines, row: record };
}

async function* jsonRows(path: string): AsyncGenerator<Row> {
  let line = 0;
  for await (const text of createInterface({
    input: createReadStream(path),
    crlfDelay: Infinity,
  })) {
    line++;
    if (text.trim() === "") continue;
    let row: unknown;
    try {
      row = JSON.parse(text);
    } catch (cause) {
      throw new CodedError("malformed_json", `${path}, line ${line}: is no JSON`, { cause });
    }
    yield { line, row };
  }
}

function identityOf(path: string, line: number, row: unknown): ClickIdentity {
  const { ad_id, event_id } = (row ?? {}) as { ad_id?: unknown; event_id?: unknown };
  for (const [field, value] of Object.entries({ ad_id, event_id })) {
    if (typeof value === "string" && value !== "") continue;
    throw new CodedError("invalid_parameter", `${path}, line ${line}: has no ${field}`, { field });
  }
  return { ad_id: ad_id as string, event_id: event_id as string };
}
