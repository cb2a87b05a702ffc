/**
 * CSV as RFC 4180 has it, from bytes to the fields of items: no object and no string a row.
 *
 *   file   = [BOM] header row*          rows end with LF or CRLF; blank lines are skipped
 *   cell   = plain | '"' (any byte but '"' | '""')* '"'
 *
 * A quoted cell is unescaped where it lies. An empty cell, quoted or not, is an absent field.
 */

import { isUtf8 } from "node:buffer";
import { CodedError } from "../../model/errors.ts";
import type { DeclaredFields } from "../declared-fields.ts";
import { adIdField, clickTimestampField } from "../declared-fields.ts";
import type { ItemFields } from "../item-fields.ts";
import { FieldKind } from "../item-fields.ts";
import type { ItemProblem } from "../item-problem.ts";
import type { RowReader } from "./row-reader.ts";
import { RowStatus, rowBytesMax } from "./row-reader.ts";

const quote = 0x22;
const comma = 0x2c;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const nameDecoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Cells of a row beyond the header's are counted up to here; the row is refused anyway. */
const columnsMax = 4096;

export class CsvRows implements RowReader {
  problem: ItemProblem = { code: "malformed_row", message: "" };
  private readonly declared: DeclaredFields;
  /** Slot of each column, -1 where it is not declared; undefined before the header. */
  private slots: Int16Array | undefined;
  private columnCount = 0;
  private columnNames: readonly string[] = [];
  /** The names of undeclared columns, which stand at the start of every buffer. */
  private names = new Uint8Array(0);
  private nameStarts = new Uint32Array(0);
  private nameEnds = new Uint32Array(0);

  private buffer = new Uint8Array(0);
  private at = 0;
  private end = 0;
  private isLast = false;
  /** True once the place of a byte order mark lies behind. */
  private isMarkPassed = false;
  /** True where the rows of the buffer need no check of their own. */
  private isUtf8Throughout = true;
  private readonly cellStarts = new Uint32Array(columnsMax);
  private readonly cellEnds = new Uint32Array(columnsMax);
  /** Doubled quotes in the cell. */
  private readonly cellQuotes = new Uint32Array(columnsMax);
  private cellCount = 0;
  /** True behind a row that is no CSV, up to the end of its line. */
  private isSkipping = false;

  constructor(declared: DeclaredFields) {
    this.declared = declared;
  }

  load(block: Uint8Array, isLast: boolean): void {
    const prefix = this.names.length;
    const rest = this.end - this.at;
    const next = new Uint8Array(prefix + rest + block.length);
    next.set(this.names);
    next.set(this.buffer.subarray(this.at, this.end), prefix);
    next.set(block, prefix + rest);
    this.buffer = next;
    this.at = prefix;
    this.end = next.length;
    this.isLast = isLast;
    const wholeRowsEnd = isLast ? this.end : next.lastIndexOf(lineFeed) + 1;
    this.isUtf8Throughout = isUtf8(next.subarray(prefix, Math.max(prefix, wholeRowsEnd)));
    if (this.slots === undefined) this.readHeader();
  }

  next(fields: ItemFields): RowStatus {
    if (this.slots === undefined) return RowStatus.needsMore;
    const status = this.nextCells();
    if (status !== RowStatus.row) return status;
    if (this.cellCount !== this.columnCount) {
      return this.refuse(
        `the row has ${this.cellCount} cells where the header has ${this.columnCount}`,
      );
    }
    if (!this.isUtf8Throughout) {
      const column = this.firstColumnNotUtf8();
      if (column >= 0) return this.refuseUtf8(column);
    }
    const { slots, cellStarts, cellEnds, cellQuotes, nameStarts, nameEnds } = this;
    fields.begin(this.buffer);
    for (let column = 0; column < this.columnCount; column++) {
      const start = cellStarts[column]!;
      let end = cellEnds[column]!;
      if (start === end) continue;
      if (cellQuotes[column] !== 0) end = unescapeQuotes(this.buffer, start, end);
      const slot = slots[column]!;
      if (slot >= 0) fields.set(slot, FieldKind.text, start, end);
      else fields.addUndeclared(FieldKind.text, nameStarts[column]!, nameEnds[column]!, start, end);
    }
    return RowStatus.row;
  }

  /** CodedError `invalid_parameter` where the header can't be used. */
  private readHeader(): void {
    const { buffer } = this;
    // The header may come in several blocks, each of which brings here again; the mark stands once.
    if (!this.isMarkPassed) {
      if (buffer.length < 3 && !this.isLast) return;
      this.isMarkPassed = true;
      if (buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf) this.at += 3;
    }
    const status = this.nextCells();
    if (status === RowStatus.needsMore && !this.isLast) return;
    if (status !== RowStatus.row)
      throw new CodedError("invalid_parameter", "the file has no readable header row");
    if (this.cellCount > columnsMax)
      throw new CodedError("invalid_parameter", `the header has more than ${columnsMax} columns`);
    const names = Array.from({ length: this.cellCount }, (_, column) => this.nameOf(column));
    const repeated = names.find((name, column) => names.indexOf(name) !== column);
    if (repeated !== undefined)
      throw new CodedError("invalid_parameter", `the header names the column "${repeated}" twice`);
    this.checkNames(names);
    this.columnCount = names.length;
    this.columnNames = names;
    this.slots = Int16Array.from(names, (name) => this.declared.slotOf(name) ?? -1);
    this.placeNames(names);
  }

  private nameOf(column: number): string {
    const bytes = this.buffer.subarray(this.cellStarts[column], this.cellEnds[column]);
    if (!isUtf8(bytes))
      throw new CodedError("invalid_parameter", `the header is no UTF-8 in column ${column + 1}`);
    const name = nameDecoder.decode(bytes);
    return this.cellQuotes[column] === 0 ? name : name.replaceAll('""', '"');
  }

  /** A column that is needed or was asked for by name must be there; else every row would be refused. */
  private checkNames(names: readonly string[]): void {
    const { declared } = this;
    for (const [slot, name] of declared.names.entries()) {
      const column = declared.sentNames[slot]!;
      const isNeeded = slot === adIdField || slot === clickTimestampField || column !== name;
      if (!isNeeded || names.includes(column)) continue;
      const message = `the file has no column "${column}" to read ${name} from; it has ${names.join(", ")}`;
      throw new CodedError("invalid_parameter", message, { field: name });
    }
  }

  /** Puts the undeclared names before the rest of the buffer. */
  private placeNames(names: readonly string[]): void {
    const encoded = names.map((name, column) =>
      new TextEncoder().encode(this.slots![column]! < 0 ? name : ""),
    );
    this.nameStarts = new Uint32Array(names.length);
    this.nameEnds = new Uint32Array(names.length);
    let end = 0;
    for (const [column, name] of encoded.entries()) {
      this.nameStarts[column] = end;
      end += name.length;
      this.nameEnds[column] = end;
    }
    this.names = new Uint8Array(Buffer.concat(encoded));
    this.load(new Uint8Array(0), this.isLast);
  }

  /** Finds the cells of the next row and moves behind it. */
  private nextCells(): RowStatus {
    if (!this.skipBlankLines()) return RowStatus.needsMore;
    const { buffer, end, cellStarts, cellEnds, cellQuotes } = this;
    let at = this.at;
    for (let column = 0; ; column++) {
      let start = at;
      let cellEnd: number;
      let quotes = 0;
      if (buffer[at] === quote && at < end) {
        start = ++at;
        for (;;) {
          while (at < end && buffer[at] !== quote) at++;
          if (at + 1 >= end || buffer[at + 1] !== quote) break;
          quotes++;
          at += 2;
        }
        cellEnd = at++;
        if (at > end) return this.unfinishedRow();
        // It belongs to the end of the line, and only there.
        if (buffer[at] === carriageReturn && (at + 1 >= end || buffer[at + 1] === lineFeed)) at++;
        if (at < end && buffer[at] !== comma && buffer[at] !== lineFeed)
          return this.skipRow("text follows the closing quote of a cell");
      } else {
        while (at < end && buffer[at] !== comma && buffer[at] !== lineFeed) at++;
        const lineEnds = at === end || buffer[at] === lineFeed;
        cellEnd = lineEnds && at > start && buffer[at - 1] === carriageReturn ? at - 1 : at;
      }
      if (at === end && !this.isLast) return this.unfinishedRow();
      if (column < columnsMax) {
        cellStarts[column] = start;
        cellEnds[column] = cellEnd;
        cellQuotes[column] = quotes;
      }
      if (at === end || buffer[at] === lineFeed) {
        this.at = Math.min(at + 1, end);
        this.cellCount = column + 1;
        return RowStatus.row;
      }
      at++;
    }
  }

  /** False where nothing is left. */
  private skipBlankLines(): boolean {
    const { buffer, end } = this;
    if (this.isSkipping && !this.skipLine()) return false;
    for (; this.at < end; this.at++) {
      const byte = buffer[this.at];
      if (byte === lineFeed) continue;
      if (byte !== carriageReturn) return true;
      if (this.at + 1 < end ? buffer[this.at + 1] !== lineFeed : !this.isLast) return true;
    }
    return false;
  }

  /** More of the row may come; where none can, or it grew absurdly long (a quote that never closes), it is none. */
  private unfinishedRow(): RowStatus {
    if (this.isLast) return this.skipRow("a quote opens a cell and never closes");
    if (this.end - this.at > rowBytesMax)
      return this.skipRow(`the row has more than ${rowBytesMax} bytes`);
    return RowStatus.needsMore;
  }

  private skipRow(message: string): RowStatus {
    this.isSkipping = true;
    this.skipLine();
    return this.refuse(message);
  }

  private firstColumnNotUtf8(): number {
    for (let column = 0; column < this.columnCount; column++) {
      if (!isUtf8(this.buffer.subarray(this.cellStarts[column], this.cellEnds[column])))
        return column;
    }
    return -1;
  }

  private refuseUtf8(column: number): RowStatus {
    const field = this.columnNames[column]!;
    this.problem = { code: "invalid_utf8", field, message: "bytes that UTF-8 does not allow" };
    return RowStatus.malformed;
  }

  private refuse(message: string): RowStatus {
    this.problem = { code: "malformed_row", message };
    return RowStatus.malformed;
  }

  private skipLine(): boolean {
    const found = this.buffer.indexOf(lineFeed, this.at);
    this.at = found < 0 ? this.end : found + 1;
    this.isSkipping = found < 0;
    return found >= 0;
  }
}

/** Makes one quote of two in `source[start .. end)`; the new end. */
function unescapeQuotes(source: Uint8Array, start: number, end: number): number {
  let to = start;
  for (let from = start; from < end; from++, to++) {
    if (source[from] === quote) from++;
    source[to] = source[from]!;
  }
  return to;
}
