/**
 * Decodes bodies of `application/json` (one object or an array) and `application/x-ndjson` into rows. A bad item costs
 * only itself; an array that is no JSON refuses the body, since nobody can tell where its items end.
 */

import type { ItemError, ItemErrorCode } from "../model/errors.ts";
import { CodedError } from "../model/errors.ts";
import { ClickAdmitter } from "./admit-click.ts";
import type { ClickRules, RowSink } from "./admit-click.ts";
import type { DeclaredFields } from "./declared-fields.ts";
import { ItemErrors } from "./item-problem.ts";
import type { ItemProblem } from "./item-problem.ts";
import { ItemFields } from "./item-fields.ts";
import { afterSpace, JsonSyntax } from "./json-syntax.ts";
import { ItemParser } from "./parse-item.ts";
import { ItemScanner } from "./scan-item.ts";

export interface DecodeLimits {
  /** When the body was received, epoch ms. */
  readonly receivedAtMs: number;
  readonly itemsMax: number;
}

export interface DecodedBody {
  readonly received: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Accepted clicks whose event id was derived. */
  readonly derivedIds: number;
  /** Undeclared fields of accepted clicks. */
  readonly unknownFields: number;
  /** The first 100. */
  readonly errors: readonly ItemError[];
  readonly rejectCounts: Readonly<Partial<Record<ItemErrorCode, number>>>;
}

export interface JsonDecoderOptions {
  /** False: every item goes the slow way, with the same results. For tests. */
  readonly scanner?: boolean;
}

const lineFeed = 0x0a;

export class JsonDecoder {
  private readonly fields: ItemFields;
  private readonly scanner: ItemScanner;
  private readonly parser: ItemParser;
  private readonly admitter: ClickAdmitter;
  private readonly syntax = new JsonSyntax();
  private readonly scans: boolean;
  private received = 0;
  private errors = new ItemErrors();
  private limits: DecodeLimits = { receivedAtMs: 0, itemsMax: 0 };

  constructor(declared: DeclaredFields, rules: ClickRules, options: JsonDecoderOptions = {}) {
    this.fields = new ItemFields(declared.count);
    this.scanner = new ItemScanner(declared);
    this.parser = new ItemParser(declared);
    this.admitter = new ClickAdmitter(declared, rules);
    this.scans = options.scanner ?? true;
  }

  /** One JSON text. Throws `malformed_json` and `batch_too_large`; rows may have been written by then. */
  decodeJson(body: Uint8Array, limits: DecodeLimits, sink: RowSink): DecodedBody {
    return this.decode(body, limits, (bytes, start) => this.decodeText(bytes, start, sink));
  }

  /** A JSON text a line; blank lines are no items. Throws `batch_too_large`; rows may have been written by then. */
  decodeLines(body: Uint8Array, limits: DecodeLimits, sink: RowSink): DecodedBody {
    return this.decode(body, limits, (bytes, start) => this.decodeEachLine(bytes, start, sink));
  }

  private decode(
    body: Uint8Array,
    limits: DecodeLimits,
    run: (bytes: Uint8Array, start: number) => void,
  ): DecodedBody {
    const { admitter } = this;
    const { derivedCount, unknownFieldCount } = admitter;
    this.received = 0;
    this.errors = new ItemErrors();
    this.limits = limits;
    // One class of arrays on the hot path: a Buffer has another shape than a Uint8Array.
    const bytes = new Uint8Array(body.buffer, body.byteOffset, body.length);
    run(bytes, startsWithByteOrderMark(bytes) ? 3 : 0);
    return {
      received: this.received,
      accepted: this.received - this.errors.total,
      rejected: this.errors.total,
      derivedIds: admitter.derivedCount - derivedCount,
      unknownFields: admitter.unknownFieldCount - unknownFieldCount,
      errors: this.errors.listed,
      rejectCounts: this.errors.counts,
    };
  }

  private decodeEachLine(bytes: Uint8Array, start: number, sink: RowSink): void {
    const { fields, scanner } = this;
    const limit = bytes.length;
    // Skipping white space between items skips blank lines too.
    for (let at = afterSpace(bytes, start, limit); at < limit; at = afterSpace(bytes, at, limit)) {
      if (this.scans) {
        const end = scanner.scan(bytes, at, limit, false, fields);
        const next = end < 0 ? -1 : afterLineEnd(bytes, end, limit);
        if (next >= 0) {
          this.admit(sink);
          at = next;
          continue;
        }
      }
      let lineEnd = bytes.indexOf(lineFeed, at);
      if (lineEnd < 0) lineEnd = limit;
      this.decodeLine(bytes, at, lineEnd, sink);
      at = lineEnd;
    }
  }

  private decodeLine(bytes: Uint8Array, start: number, lineEnd: number, sink: RowSink): void {
    const end = this.syntax.valueEnd(bytes, start, lineEnd);
    if (end >= 0 && afterSpace(bytes, end, lineEnd) === lineEnd) {
      this.parseAndAdmit(bytes, start, end, sink);
      return;
    }
    const at = end < 0 ? this.syntax.errorAt : afterSpace(bytes, end, lineEnd);
    const expected = end < 0 ? this.syntax.expected : "the end of the line";
    const column = at - start + 1;
    this.reject({
      code: "malformed_json",
      message: `expected ${expected} at byte ${column} of the line`,
    });
  }

  private decodeText(bytes: Uint8Array, start: number, sink: RowSink): void {
    const limit = bytes.length;
    let at = afterSpace(bytes, start, limit);
    at =
      at < limit && bytes[at] === 0x5b
        ? this.decodeArray(bytes, at + 1, sink)
        : this.decodeElement(bytes, at, sink);
    at = afterSpace(bytes, at, limit);
    if (at < limit) throw malformedJson(bytes, at, "the end of the body");
  }

  /** The position after the closing bracket. */
  private decodeArray(bytes: Uint8Array, start: number, sink: RowSink): number {
    const limit = bytes.length;
    let at = afterSpace(bytes, start, limit);
    if (at < limit && bytes[at] === 0x5d) return at + 1;
    for (;;) {
      at = afterSpace(bytes, this.decodeElement(bytes, at, sink), limit);
      const separator = at < limit ? bytes[at]! : 0;
      if (separator === 0x5d) return at + 1;
      if (separator !== 0x2c) throw malformedJson(bytes, at, "',' or ']'");
      at = afterSpace(bytes, at + 1, limit);
    }
  }

  /** The position after the element. */
  private decodeElement(bytes: Uint8Array, start: number, sink: RowSink): number {
    const limit = bytes.length;
    if (this.scans) {
      const end = this.scanner.scan(bytes, start, limit, true, this.fields);
      if (end >= 0) {
        this.admit(sink);
        return end;
      }
    }
    const end = this.syntax.valueEnd(bytes, start, limit);
    if (end < 0) throw malformedJson(bytes, this.syntax.errorAt, this.syntax.expected);
    this.parseAndAdmit(bytes, start, end, sink);
    return end;
  }

  private parseAndAdmit(bytes: Uint8Array, start: number, end: number, sink: RowSink): void {
    const problem = this.parser.parse(bytes, start, end, this.syntax.depth, this.fields);
    if (problem === undefined) this.admit(sink);
    else this.reject(problem);
  }

  private admit(sink: RowSink): void {
    const index = this.countItem();
    const problem = this.admitter.admit(this.fields, this.limits.receivedAtMs, sink);
    if (problem !== undefined) this.errors.add(index, problem);
  }

  private reject(problem: ItemProblem): void {
    this.errors.add(this.countItem(), problem);
  }

  /** The index of the next item. */
  private countItem(): number {
    const { itemsMax } = this.limits;
    if (this.received === itemsMax) {
      throw new CodedError(
        "batch_too_large",
        `the body has more than ${itemsMax} items; send it in parts`,
        {
          details: { items_max: itemsMax },
        },
      );
    }
    return this.received++;
  }
}

function startsWithByteOrderMark(bytes: Uint8Array): boolean {
  return bytes.length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

/** The start of the next line where only white space is left of this one, else -1. */
function afterLineEnd(bytes: Uint8Array, start: number, limit: number): number {
  let at = start;
  while (at < limit) {
    const byte = bytes[at++]!;
    if (byte === lineFeed) return at;
    if (byte !== 0x20 && byte !== 0x0d && byte !== 0x09) return -1;
  }
  return at;
}

function malformedJson(bytes: Uint8Array, at: number, expected: string): CodedError {
  let line = 1;
  let lineStart = 0;
  for (
    let next = bytes.indexOf(lineFeed);
    next >= 0 && next < at;
    next = bytes.indexOf(lineFeed, lineStart)
  ) {
    line++;
    lineStart = next + 1;
  }
  const where = `byte ${at} of the body (line ${line}, column ${at - lineStart + 1})`;
  return new CodedError("malformed_json", `the body is no JSON: expected ${expected} at ${where}`, {
    details: { byte: at, line, column: at - lineStart + 1 },
  });
}
