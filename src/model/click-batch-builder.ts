import type { Click } from "./click.ts";
import type { ClickBatch, DimensionColumn, NamedColumn } from "./click-batch.ts";
import { EventIdColumnBuilder, IpColumnBuilder, StringColumnBuilder } from "./column-builders.ts";
import type { DimensionLayout } from "./dimensions.ts";

/**
 * Collects clicks row by row into the columns of a ClickBatch. A row is written field by field and then
 * ended; `dropRow` forgets what was written since, `truncate` forgets whole rows (their strings stay in the
 * heaps as unused entries, which costs bytes and changes no answer).
 */
export class ClickBatchBuilder {
  readonly ad: StringColumnBuilder;
  readonly eventIds: EventIdColumnBuilder;
  readonly dimensions: readonly {
    readonly name: string;
    readonly column: DimensionColumnBuilder;
  }[];
  rowCount = 0;
  private clickTimestamps: Float64Array<ArrayBuffer>;

  constructor(layout: DimensionLayout, capacity = 1024) {
    this.clickTimestamps = new Float64Array(capacity);
    this.ad = new StringColumnBuilder(capacity, true);
    this.eventIds = new EventIdColumnBuilder(capacity);
    this.dimensions = layout.map((dimension) => ({
      name: dimension.name,
      column:
        dimension.type === "ip"
          ? new IpColumnBuilder(capacity)
          : new StringColumnBuilder(capacity, dimension.in === "minute"),
    }));
  }

  /** Rows that fit before the columns grow. */
  get capacity(): number {
    return this.clickTimestamps.length;
  }

  /** Closes the row whose fields were set; a dimension that was not set is missing. */
  endRow(clickTimestampMs: number): void {
    if (this.rowCount === this.clickTimestamps.length) this.grow();
    this.clickTimestamps[this.rowCount++] = clickTimestampMs;
  }

  /** Forgets the fields that were set since the last endRow. */
  dropRow(): void {
    this.clearFrom(this.rowCount, this.rowCount + 1);
  }

  truncate(rowCount: number): void {
    this.clearFrom(rowCount, this.rowCount + 1);
    this.rowCount = rowCount;
  }

  /** The slow way in, for edges and tests. The event id must be there. Values must be valid. */
  add(click: Click & { readonly event_id: string }): void {
    const row = this.rowCount;
    this.ad.setText(row, click.ad_id);
    this.eventIds.setText(row, click.event_id);
    for (const { name, column } of this.dimensions) {
      const value = click.dimensions[name];
      if (value !== undefined) column.setText(row, value);
    }
    this.endRow(click.click_timestamp);
  }

  /** The batch so far; its arrays are copies, so the builder may be reset and used again. */
  build(): ClickBatch {
    const { clickTimestamps, ad, eventIds, dimensions, rowCount } = this.view();
    return {
      rowCount,
      clickTimestamps: clickTimestamps.slice(),
      ad: copyOf(ad),
      eventIds: {
        kinds: eventIds.kinds.slice(),
        words: eventIds.words.slice(),
        textOffsets: eventIds.textOffsets.slice(),
        textBytes: eventIds.textBytes.slice(),
      },
      dimensions: dimensions.map(({ name, column }): NamedColumn => ({
        name,
        column: copyOf(column),
      })),
    };
  }

  /** The batch so far without copying: valid until the builder is used again. */
  view(): ClickBatch {
    const n = this.rowCount;
    return {
      rowCount: n,
      clickTimestamps: this.clickTimestamps.subarray(0, n),
      ad: this.ad.view(n),
      eventIds: this.eventIds.view(n),
      dimensions: this.dimensions.map(({ name, column }): NamedColumn => ({
        name,
        column: column.view(n),
      })),
    };
  }

  reset(): void {
    // A row that was begun and not ended may have been set too.
    const rowsSet = this.rowCount + 1;
    this.ad.reset(rowsSet);
    this.eventIds.reset();
    for (const { column } of this.dimensions) column.reset(rowsSet);
    this.rowCount = 0;
  }

  private clearFrom(start: number, end: number): void {
    this.ad.clear(start, end);
    for (const { column } of this.dimensions) column.clear(start, end);
  }

  private grow(): void {
    const capacity = this.clickTimestamps.length * 2;
    const grown = new Float64Array(capacity);
    grown.set(this.clickTimestamps);
    this.clickTimestamps = grown;
    this.ad.grow(capacity);
    this.eventIds.grow(capacity);
    for (const { column } of this.dimensions) column.grow(capacity);
  }
}

export type DimensionColumnBuilder = StringColumnBuilder | IpColumnBuilder;

function copyOf<Column extends DimensionColumn>(column: Column): Column;
function copyOf(column: DimensionColumn): DimensionColumn {
  if (column.type === "ip")
    return { type: "ip", present: column.present.slice(), words: column.words.slice() };
  const { codes, offsets, bytes, entryCount } = column;
  return {
    type: "string",
    codes: codes.slice(),
    offsets: offsets.slice(),
    bytes: bytes.slice(),
    entryCount,
  };
}
