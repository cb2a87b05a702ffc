import type { DeclaredFields } from "../declared-fields.ts";
import type { ItemFields } from "../item-fields.ts";
import type { ItemProblem } from "../item-problem.ts";
import { JsonSyntax, afterSpace } from "../json-syntax.ts";
import { ItemParser } from "../parse-item.ts";
import { ItemScanner } from "../scan-item.ts";
import type { RowReader } from "./row-reader.ts";
import { RowStatus, rowBytesMax } from "./row-reader.ts";

const lineFeed = 0x0a;

/** NDJSON: an object a line, lines end with LF or CRLF; blank lines are skipped. */
export class NdjsonRows implements RowReader {
  problem: ItemProblem = { code: "malformed_json", message: "" };
  private readonly scanner: ItemScanner;
  private readonly syntax = new JsonSyntax();
  private readonly parser: ItemParser;
  private buffer = new Uint8Array(0);
  private at = 0;
  private isLast = false;
  private isFirst = true;
  /** True behind a line that was too long to be loaded, up to its end. */
  private isSkipping = false;

  constructor(declared: DeclaredFields) {
    this.scanner = new ItemScanner(declared);
    this.parser = new ItemParser(declared);
  }

  load(block: Uint8Array, isLast: boolean): void {
    const rest = this.buffer.subarray(this.at);
    const next = new Uint8Array(rest.length + block.length);
    next.set(rest);
    next.set(block, rest.length);
    this.buffer = next;
    this.at = 0;
    this.isLast = isLast;
    // A first block may be shorter than a byte order mark.
    if (!this.isFirst || (next.length < 3 && !isLast)) return;
    this.isFirst = false;
    if (next[0] === 0xef && next[1] === 0xbb && next[2] === 0xbf) this.at = 3;
  }

  next(fields: ItemFields): RowStatus {
    const { buffer } = this;
    const { length } = buffer;
    if (this.isFirst) return RowStatus.needsMore;
    if (this.isSkipping && !this.skipLine()) return RowStatus.needsMore;
    const start = afterSpace(buffer, this.at, length);
    this.at = start;
    if (start === length) return RowStatus.needsMore;

    let end = this.scanner.scan(buffer, start, length, false, fields);
    if (end >= 0) {
      while (end < length && (buffer[end] === 0x0d || buffer[end] === 0x20 || buffer[end] === 0x09))
        end++;
      if (end < length ? buffer[end] === lineFeed : this.isLast) {
        this.at = end;
        return RowStatus.row;
      }
    }
    return this.nextSlowly(start, fields);
  }

  private nextSlowly(start: number, fields: ItemFields): RowStatus {
    const { buffer } = this;
    let end = buffer.indexOf(lineFeed, start);
    if (end < 0) {
      if (!this.isLast && buffer.length - start <= rowBytesMax) return RowStatus.needsMore;
      this.isSkipping = !this.isLast;
      end = buffer.length;
    }
    this.at = end;
    if (end - start > rowBytesMax)
      return this.refuse(`the line has more than ${rowBytesMax} bytes`);
    const valueEnd = this.syntax.valueEnd(buffer, start, end);
    if (valueEnd < 0) {
      const column = this.syntax.errorAt - start + 1;
      return this.refuse(
        `the line is no JSON: ${this.syntax.expected} is expected at byte ${column}`,
      );
    }
    if (afterSpace(buffer, valueEnd, end) !== end) {
      return this.refuse(
        `the line is no JSON: text follows the value at byte ${valueEnd - start + 1}`,
      );
    }
    const problem = this.parser.parse(buffer, start, valueEnd, this.syntax.depth, fields);
    if (problem === undefined) return RowStatus.row;
    this.problem = problem;
    return RowStatus.malformed;
  }

  private skipLine(): boolean {
    const found = this.buffer.indexOf(lineFeed, this.at);
    this.at = found < 0 ? this.buffer.length : found;
    this.isSkipping = found < 0;
    return found >= 0;
  }

  private refuse(message: string): RowStatus {
    this.problem = { code: "malformed_json", message };
    return RowStatus.malformed;
  }
}
