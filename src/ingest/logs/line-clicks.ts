/** From a line of a log to a click as ingest takes it: a line of NDJSON that has an event id. */

import { isUtf8 } from "node:buffer";
import type { LogSource } from "../../model/log-source.ts";
import type { LogLine } from "./line-cutter.ts";
import { lineBytesMax } from "./line-cutter.ts";
import { hasHeader, headerCells, lineReaderOf } from "./line-formats.ts";
import type { LineReader, LineValues } from "./line-formats.ts";
import { eventIdOf } from "./line-identity.ts";
import { logTime } from "./log-times.ts";
import { RequestClicks } from "./request-clicks.ts";

export type LineClick =
  /** An item for ingest, which may still find something wrong with it. */
  | { readonly kind: "click"; readonly json: Buffer }
  | { readonly kind: "bad"; readonly problem: string }
  /** No click, as declared, or blank. */
  | { readonly kind: "skipped" };

const skipped: LineClick = { kind: "skipped" };
const byteOrderMark = Buffer.from("\u{feff}");

export class LineClicks {
  /** True where the first line of each file names its columns. */
  readonly hasHeader: boolean;
  private readonly read: LineReader;
  private readonly requests: RequestClicks | undefined;
  private readonly map: readonly (readonly [field: string, name: string])[];
  private readonly isObjects: boolean;

  constructor(source: LogSource) {
    this.hasHeader = hasHeader(source.format);
    this.read = lineReaderOf(source.format);
    this.requests = source.request === "" ? undefined : new RequestClicks(source);
    this.map = Object.entries(source.map);
    this.isObjects = source.format === "ndjson";
  }

  header(line: Buffer): readonly string[] {
    return headerCells(textOf(withoutMark(line)));
  }

  /** `header`: of its file; `occurrence`: see line-identity.ts. */
  click(line: LogLine, header: readonly string[], occurrence: number): LineClick {
    const ownId = (): string => eventIdOf(line.hash, occurrence);
    if (!line.bytes)
      return { kind: "bad", problem: `the line has more than ${lineBytesMax} bytes` };
    const bytes = withoutMark(line.bytes);
    const text = textOf(bytes);
    if (text.trim() === "" || (this.hasHeader && line.number === 1)) return skipped;
    const read = this.read(text, header);
    if ("problem" in read) return { kind: "bad", problem: read.problem };
    if (this.requests) {
      const request = this.requests.read(read.values);
      if (!request) return skipped;
      if ("problem" in request) return { kind: "bad", problem: request.problem };
      return itemOf(request.fields, ownId);
    }
    if (!isUtf8(bytes)) return { kind: "bad", problem: "the line is no UTF-8" };
    if (this.isObjects && this.map.length === 0) return verbatim(bytes, text, read.values, ownId);
    return itemOf(this.renamed(read.values), ownId);
  }

  private renamed(values: LineValues): LineValues {
    const fields: Record<string, unknown> = { ...values };
    for (const [, name] of this.map) delete fields[name];
    for (const [field, name] of this.map) fields[field] = values[name];
    if (!this.isObjects) fields["click_timestamp"] = logTime(fields["click_timestamp"]);
    return fields;
  }
}

/** In its own bytes: what a number or a string looks like is for ingest to judge. */
function verbatim(bytes: Buffer, text: string, values: LineValues, ownId: () => string): LineClick {
  if (values["event_id"] === null) return itemOf(values, ownId);
  if (values["event_id"] !== undefined) return { kind: "click", json: bytes };
  const at = bytes.lastIndexOf("}");
  const comma = /^\s*\{\s*\}\s*$/.test(text) ? "" : ",";
  const member = Buffer.from(`${comma}"event_id":"${ownId()}"}`);
  return { kind: "click", json: Buffer.concat([bytes.subarray(0, at), member]) };
}

function itemOf(values: LineValues, ownId: () => string): LineClick {
  const fields = lacksId(values) ? { ...values, event_id: ownId() } : values;
  return { kind: "click", json: Buffer.from(JSON.stringify(fields)) };
}

function lacksId({ event_id: id }: LineValues): boolean {
  return id === undefined || id === null || id === "";
}

function withoutMark(line: Buffer): Buffer {
  const { length } = byteOrderMark;
  return line.subarray(0, length).equals(byteOrderMark) ? line.subarray(length) : line;
}

function textOf(line: Buffer): string {
  const text = line.toString();
  return text.endsWith("\r") ? text.slice(0, -1) : text;
}
