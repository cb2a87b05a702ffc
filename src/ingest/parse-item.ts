/**
 * The way from JSON to fields that takes everything: an item the scanner left alone is parsed into values, its texts
 * written to a scratch buffer, and so put before the same rules.
 */

import type { DeclaredFields } from "./declared-fields.ts";
import type { ItemFields } from "./item-fields.ts";
import { FieldKind, itemBytesMax } from "./item-fields.ts";
import type { ItemProblem } from "./item-problem.ts";
import { shortened } from "./item-problem.ts";
import { NumberText, canonicalJson, isObject, parseJson } from "./parse-json.ts";
import type { JsonObject, JsonValue } from "./parse-json.ts";

/** Arrays and objects inside an item, one in the other. */
const nestingMax = 64;

const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenientDecoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

export class ItemParser {
  private readonly declared: DeclaredFields;
  private scratch = new Uint8Array(1024);
  private used = 0;

  constructor(declared: DeclaredFields) {
    this.declared = declared;
  }

  /**
   * Reads the JSON value `source[start .. end)`, whose syntax has been found right, at `depth` levels of nesting,
   * into `fields`; or says why it can't be a click.
   */
  parse(
    source: Uint8Array,
    start: number,
    end: number,
    depth: number,
    fields: ItemFields,
  ): ItemProblem | undefined {
    if (end - start > itemBytesMax) {
      const message = `the item has ${end - start} bytes, at most ${itemBytesMax} are allowed`;
      return { code: "field_too_long", message };
    }
    if (depth > nestingMax) {
      return {
        code: "invalid_type",
        message: `nested ${depth} levels deep, at most ${nestingMax} are allowed`,
      };
    }
    const bytes = source.subarray(start, end);
    let text: string;
    try {
      text = strictDecoder.decode(bytes);
    } catch {
      return this.invalidUtf8(
        parseJson(lenientDecoder.decode(bytes)),
        (part) => part.includes("\ufffd"),
        "bytes",
      );
    }
    const item = parseJson(text);
    if (!isObject(item)) {
      return {
        code: "invalid_type",
        message: `${shortened(text)} is no object with the fields of a click`,
      };
    }
    if (text.includes("\\u") && hasText(item, isIllFormed)) {
      return this.invalidUtf8(item, isIllFormed, "a surrogate without its other half");
    }
    this.fill(item, fields);
    return undefined;
  }

  private fill(item: JsonObject, fields: ItemFields): void {
    this.used = 0;
    fields.begin(this.scratch);
    for (const [name, value] of item) {
      const slot = this.declared.slotOf(name);
      if (slot === undefined) {
        const nameStart = this.used;
        const nameEnd = this.write(name);
        const kind = this.writeValue(value);
        fields.addUndeclared(kind, nameStart, nameEnd, nameEnd, this.used);
      } else {
        const valueStart = this.used;
        const kind = this.writeValue(value);
        fields.set(slot, kind, valueStart, this.used);
      }
    }
    // Writing may have moved it.
    fields.source = this.scratch;
  }

  private writeValue(value: JsonValue): number {
    if (value === null) return FieldKind.null;
    if (typeof value === "string") {
      this.write(value);
      return FieldKind.text;
    }
    if (typeof value === "boolean") {
      this.write(String(value));
      return FieldKind.boolean;
    }
    if (value instanceof NumberText) {
      this.write(value.text);
      return FieldKind.number;
    }
    this.write(canonicalJson(value));
    return FieldKind.composite;
  }

  /** Appends to the scratch buffer; the position after it. */
  private write(text: string): number {
    const needed = this.used + text.length * 3;
    if (needed > this.scratch.length) {
      const grown = new Uint8Array(Math.max(needed, this.scratch.length * 2));
      grown.set(this.scratch);
      this.scratch = grown;
    }
    this.used += encoder.encodeInto(text, this.scratch.subarray(this.used)).written;
    return this.used;
  }

  private invalidUtf8(
    item: JsonValue,
    isWrong: (text: string) => boolean,
    what: string,
  ): ItemProblem {
    const wrong = isObject(item)
      ? [...item].find(([name, value]) => isWrong(name) || hasText(value, isWrong))
      : undefined;
    const message = `${what} that UTF-8 does not allow`;
    if (wrong === undefined) return { code: "invalid_utf8", message };
    return { code: "invalid_utf8", field: shortened(wrong[0]).toWellFormed(), message };
  }
}

function isIllFormed(text: string): boolean {
  return !text.isWellFormed();
}

/** True where a name or a string anywhere in the value is `sought`. */
function hasText(value: JsonValue, sought: (text: string) => boolean): boolean {
  if (typeof value === "string") return sought(value);
  if (Array.isArray(value)) return value.some((element: JsonValue) => hasText(element, sought));
  if (!isObject(value)) return false;
  return [...value].some(([name, part]) => sought(name) || hasText(part, sought));
}
