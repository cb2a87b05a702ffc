/**
 * Puts what is hashed or truncated in place of what came: the last step before a batch becomes a record, for every way in, so
 * that a plain value is in memory alone.
 */

import type { ClickBatch, DimensionColumn, EventIdColumn } from "../model/click-batch.ts";
import { EventIdKind } from "../model/click-batch.ts";
import { StringColumnBuilder } from "../model/column-builders.ts";
import type { Dimension, DimensionLayout } from "../model/dimensions.ts";
import { formatIp } from "../model/ip.ts";
import { networkOf, ValueProtector } from "../model/protected-value.ts";
import { minuteMs } from "../model/time.ts";

export interface ProtectionSettings {
  /** Of the data directory, or of all who share a store. */
  readonly secret: Uint8Array;
  /** See SemanticConfig. */
  readonly keyedIdsFromMinute: number;
}

const idLength = 16;
const formLengthMax = 64;

export class BatchProtector {
  private readonly layout: DimensionLayout;
  private readonly protector: ValueProtector;
  private readonly keyedIdsFromMs: number;
  private readonly id = new Uint8Array(idLength);
  private readonly idView = new DataView(this.id.buffer);

  constructor(layout: DimensionLayout, { secret, keyedIdsFromMinute }: ProtectionSettings) {
    this.layout = layout;
    this.protector = new ValueProtector(secret);
    this.keyedIdsFromMs = keyedIdsFromMinute * minuteMs;
  }

  /** A batch of the layout as it is to be kept; views of the given one stay what they are. */
  protect(batch: ClickBatch): ClickBatch {
    return {
      ...batch,
      eventIds: this.keyedIds(batch),
      dimensions: batch.dimensions.map(({ name, column }, i) => ({
        name,
        column: this.protectedColumn(column, this.layout[i]!, batch.rowCount),
      })),
    };
  }

  private protectedColumn(
    column: DimensionColumn,
    { name, in: place, store }: Dimension,
    rowCount: number,
  ): DimensionColumn {
    if (store === undefined) return column;
    // Only of rows: a heap may hold strings of rows that were dropped.
    const made = new StringColumnBuilder(rowCount, place === "minute" || store === "truncated");
    // A protected form is ASCII, and as short as this.
    const buffer = new Uint8Array(formLengthMax);
    const set = (row: number, text: string): void => {
      for (let i = 0; i < text.length; i++) buffer[i] = text.charCodeAt(i);
      made.set(row, buffer, 0, text.length);
    };
    const hash = this.protector.hashOf(name);
    if (column.type === "ip") {
      const { present, words } = column;
      for (let row = 0; row < rowCount; row++) {
        if (present[row] === 0) continue;
        set(
          row,
          store === "hashed" ? hash.ofText(formatIp(words, row * 4)) : networkOf(words, row * 4),
        );
      }
      return made.view(rowCount);
    }
    const { codes, offsets, bytes, entryCount } = column;
    const texts: (string | undefined)[] = Array.from({ length: entryCount });
    for (let row = 0; row < rowCount; row++) {
      const code = codes[row]!;
      if (code === 0) continue;
      const text = (texts[code - 1] ??= hash.ofBytes(bytes, offsets[code - 1]!, offsets[code]!));
      set(row, text);
    }
    return made.view(rowCount);
  }

  /** The derived ids of minutes from which on they have a key. */
  private keyedIds({ eventIds, clickTimestamps, rowCount }: ClickBatch): EventIdColumn {
    const { kinds, words } = eventIds;
    if (!kinds.includes(EventIdKind.derived)) return eventIds;
    const keyed = words.slice(0, rowCount * 4);
    const hash = this.protector.hashOfIds();
    for (let row = 0; row < rowCount; row++) {
      if (kinds[row] !== EventIdKind.derived || clickTimestamps[row]! < this.keyedIdsFromMs)
        continue;
      for (let i = 0; i < 4; i++) this.idView.setUint32(i * 4, words[row * 4 + i]!);
      const digest = hash.digestOf(this.id);
      for (let i = 0; i < idLength; i++) this.id[i] = digest.charCodeAt(i);
      for (let i = 0; i < 4; i++) keyed[row * 4 + i] = this.idView.getUint32(i * 4);
    }
    return { ...eventIds, words: keyed };
  }
}
