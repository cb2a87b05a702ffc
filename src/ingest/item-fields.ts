/**
 * The fields of one item (a click as it was sent) as byte ranges: what the scanner, the parser and the file formats
 * hand to the rules, so that a click becomes neither an object nor strings on its way into the columns.
 */

import { eventIdField } from "./declared-fields.ts";

/** What stood in a field. */
export const FieldKind = {
  absent: 0,
  null: 1,
  /** A string; the range is its content, unescaped UTF-8. */
  text: 2,
  /** The range is the number as it was written. */
  number: 3,
  boolean: 4,
  /** An object or array; the range is its canonical JSON. */
  composite: 5,
} as const;

/** Bytes of an item at most; a click with its fields takes a few hundred. */
export const itemBytesMax = 1 << 20;

/** More undeclared fields than this go the slow way. */
const undeclaredFieldsInitial = 64;

export class ItemFields {
  /** What the ranges point into. */
  source: Uint8Array = new Uint8Array(0);
  /** By slot, see declared-fields.ts. */
  readonly kinds: Uint8Array;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;

  /** The time in `click_timestamp` where whoever filled the fields has parsed it already, else NaN. */
  clickTimestampMs = Number.NaN;
  /** True where `event_id` is a UUID whose words are in `eventIdWords`. */
  eventIdIsUuid = false;
  readonly eventIdWords = new Uint32Array(4);

  /** The fields that no slot is for, names and values. */
  undeclaredCount = 0;
  undeclaredKinds = new Uint8Array(undeclaredFieldsInitial);
  nameStarts = new Uint32Array(undeclaredFieldsInitial);
  nameEnds = new Uint32Array(undeclaredFieldsInitial);
  valueStarts = new Uint32Array(undeclaredFieldsInitial);
  valueEnds = new Uint32Array(undeclaredFieldsInitial);

  constructor(slotCount: number) {
    this.kinds = new Uint8Array(slotCount);
    this.starts = new Uint32Array(slotCount);
    this.ends = new Uint32Array(slotCount);
  }

  /** Forgets the item before; the next one lies in `source`. */
  begin(source: Uint8Array): void {
    this.source = source;
    const { kinds } = this;
    for (let slot = 0; slot < kinds.length; slot++) kinds[slot] = FieldKind.absent;
    this.clickTimestampMs = Number.NaN;
    this.eventIdIsUuid = false;
    this.undeclaredCount = 0;
  }

  set(slot: number, kind: number, start: number, end: number): void {
    this.kinds[slot] = kind;
    this.starts[slot] = start;
    this.ends[slot] = end;
  }

  addUndeclared(
    kind: number,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
  ): void {
    const index = this.undeclaredCount;
    if (index === this.undeclaredKinds.length) this.growUndeclared();
    this.undeclaredKinds[index] = kind;
    this.nameStarts[index] = nameStart;
    this.nameEnds[index] = nameEnd;
    this.valueStarts[index] = valueStart;
    this.valueEnds[index] = valueEnd;
    this.undeclaredCount = index + 1;
  }

  /** True where an undeclared field has the name `source[start .. end)` already. */
  hasUndeclared(start: number, end: number): boolean {
    const { source, nameStarts, nameEnds } = this;
    for (let i = 0; i < this.undeclaredCount; i++) {
      let at = nameStarts[i]!;
      if (nameEnds[i]! - at !== end - start) continue;
      let other = start;
      while (other < end && source[at] === source[other]) {
        at++;
        other++;
      }
      if (other === end) return true;
    }
    return false;
  }

  private growUndeclared(): void {
    const capacity = this.undeclaredKinds.length * 2;
    const kinds = new Uint8Array(capacity);
    kinds.set(this.undeclaredKinds);
    this.undeclaredKinds = kinds;
    const grown = (array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> => {
      const larger = new Uint32Array(capacity);
      larger.set(array);
      return larger;
    };
    this.nameStarts = grown(this.nameStarts);
    this.nameEnds = grown(this.nameEnds);
    this.valueStarts = grown(this.valueStarts);
    this.valueEnds = grown(this.valueEnds);
  }
}

/** True where the click carries no event id of its own. */
export function lacksEventId(fields: ItemFields): boolean {
  return fields.kinds[eventIdField]! <= FieldKind.null;
}
