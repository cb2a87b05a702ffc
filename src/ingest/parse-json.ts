/**
 * From JSON text, whose syntax has been found right, to values; numbers stay as they were written.
 *
 * JSON.parse is not asked for objects: V8 takes a name that is written with an escape for the name that an earlier
 * object had at the same place, where that one begins with the same characters as they are written. After
 * `{"a":1,"\\":1}` the name of `{"a":1,"\n":1}` is a backslash, so one sender's names would change another's.
 */

/** A number as it was written; a double would lose digits of a long id. */
export class NumberText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type JsonValue = null | string | boolean | NumberText | readonly JsonValue[] | JsonObject;

/** Of members of the same name the last is there. */
export type JsonObject = ReadonlyMap<string, JsonValue>;

const quote = 0x22;
const backslash = 0x5c;
const numberPattern = /[-+.0-9eE]+/y;

export function parseJson(text: string): JsonValue {
  return new Reader(text).value();
}

export function isObject(value: JsonValue): value is JsonObject {
  return value instanceof Map;
}

/** JSON without white space, names in the order of their UTF-16 units, numbers as they were written. */
export function canonicalJson(value: JsonValue): string {
  if (value instanceof NumberText) return value.text;
  if (Array.isArray(value))
    return `[${value.map((element: JsonValue) => canonicalJson(element)).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const parts = [...value.keys()]
    .toSorted()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(value.get(name)!)}`);
  return `{${parts.join(",")}}`;
}

/** Goes one level down for each level of the text, so its depth must have been checked. */
class Reader {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** The value at the position, which is left behind it. */
  value(): JsonValue {
    switch (this.text[this.at]) {
      case "{":
        return this.object();
      case "[":
        return this.array();
      case '"':
        return this.string();
      case "n":
        this.at += "null".length;
        return null;
      case "t":
        this.at += "true".length;
        return true;
      case "f":
        this.at += "false".length;
        return false;
      default:
        return this.number();
    }
  }

  private object(): JsonObject {
    const members = new Map<string, JsonValue>();
    while (this.enterNext("}")) {
      const name = this.string();
      this.skipSpace();
      // The colon.
      this.at++;
      this.skipSpace();
      members.set(name, this.value());
    }
    return members;
  }

  private array(): JsonValue[] {
    const elements: JsonValue[] = [];
    while (this.enterNext("]")) elements.push(this.value());
    return elements;
  }

  /** Steps over what is before the next part: the opening bracket or a comma. False behind the closing one. */
  private enterNext(closing: string): boolean {
    this.skipSpace();
    const isOver = this.text[this.at] === closing;
    this.at++;
    if (isOver) return false;
    this.skipSpace();
    if (this.text[this.at] !== closing) return true;
    this.at++;
    return false;
  }

  private string(): string {
    const { text } = this;
    const start = this.at;
    let at = start + 1;
    let isEscaped = false;
    for (let unit = text.charCodeAt(at); unit !== quote; unit = text.charCodeAt(at)) {
      if (unit === backslash) {
        isEscaped = true;
        at++;
      }
      at++;
    }
    this.at = at + 1;
    return isEscaped
      ? (JSON.parse(text.slice(start, this.at)) as string)
      : text.slice(start + 1, at);
  }

  private number(): NumberText {
    numberPattern.lastIndex = this.at;
    const [written] = numberPattern.exec(this.text)!;
    this.at = numberPattern.lastIndex;
    return new NumberText(written);
  }

  private skipSpace(): void {
    const { text } = this;
    for (;;) {
      const unit = text.charCodeAt(this.at);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
      this.at++;
    }
  }
}
