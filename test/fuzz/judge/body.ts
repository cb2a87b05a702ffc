/** What becomes of a body as a whole, judged item by item. */

import type { ItemErrorCode } from "../../../src/model/errors.ts";
import { judgeClick, undeclaredOf } from "./click.ts";
import type { JudgedRow, Refusal, Rules } from "./click.ts";
import { elementsOf, holdsLoneSurrogate, isObject, parseText, trimmed } from "./json-text.ts";
import type { Value } from "./json-text.ts";

export interface Judgement {
  readonly received: number;
  readonly rows: readonly JudgedRow[];
  readonly refused: readonly (Refusal & { readonly index: number })[];
  readonly derivedIds: number;
  readonly unknownFields: number;
}

const itemBytesMax = 1 << 20;

/** Undefined where the body as a whole is no JSON. */
export function judgeJson(body: Uint8Array, rules: Rules): Judgement | undefined {
  const text = trimmed(withoutMark(body));
  const parsed = parseText(text);
  if (!parsed) return undefined;
  return judgeItems(text[0] === 0x5b ? elementsOf(text) : [text], rules);
}

export function judgeLines(body: Uint8Array, rules: Rules): Judgement {
  const lines = splitLines(withoutMark(body)).map(trimmed);
  return judgeItems(
    lines.filter((line) => line.length > 0),
    rules,
  );
}

function judgeItems(items: readonly Uint8Array[], rules: Rules): Judgement {
  const rows: JudgedRow[] = [];
  const refused: (Refusal & { readonly index: number })[] = [];
  let [derivedIds, unknownFields] = [0, 0];
  for (const [index, item] of items.entries()) {
    const members = membersOf(item);
    if ("code" in members) {
      refused.push({ index, ...members });
      continue;
    }
    const judged = judgeClick(members, rules);
    if ("code" in judged) {
      refused.push({ index, ...judged });
      continue;
    }
    rows.push(judged);
    if ((members.get("event_id") ?? null) === null) derivedIds++;
    unknownFields += undeclaredOf(members).length;
  }
  return { received: items.length, rows, refused, derivedIds, unknownFields };
}

function membersOf(item: Uint8Array): ReadonlyMap<string, Value> | Refusal {
  const refused = (code: ItemErrorCode): Refusal => ({ code });
  const parsed = parseText(item);
  if (!parsed) return refused("malformed_json");
  if (item.length > itemBytesMax) return refused("field_too_long");
  if (parsed.depth > 64) return refused("invalid_type");
  if (!parsed.isUtf8) return refused("invalid_utf8");
  if (!isObject(parsed.value)) return refused("invalid_type");
  if (holdsLoneSurrogate(parsed.value)) return refused("invalid_utf8");
  return parsed.value;
}

export function withoutMark(bytes: Uint8Array): Uint8Array {
  const isMarked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return isMarked ? bytes.subarray(3) : bytes;
}

function splitLines(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  let start = 0;
  for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, start)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return [...lines, bytes.subarray(start)];
}
