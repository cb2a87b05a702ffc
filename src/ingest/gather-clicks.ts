/**
 * Rows of one source on their way to records: a builder for each partition, another one whenever a record is full.
 * What a body has added since a mark can be taken back, or told as ranges.
 */

import type { ClickBatchBuilder } from "../model/click-batch-builder.ts";
import type { Partitioning } from "../model/partition.ts";
import type { RowSink } from "./admit-click.ts";

/** The rows of one record to be. */
export interface RecordPart {
  readonly partition: number;
  readonly builder: ClickBatchBuilder;
}

/** How much was there at some time. */
export interface GatherMark {
  readonly partCount: number;
  /** By partition: the part that took its rows, -1 for none, and the rows that it had. */
  readonly openParts: readonly number[];
  readonly openRows: readonly number[];
}

export interface PartRange {
  /** Index into `parts`. */
  readonly part: number;
  readonly fromRow: number;
  readonly toRow: number;
}

/** Lends builders; those that come back are used again. */
export interface BuilderPool {
  take(): ClickBatchBuilder;
  giveBack(builder: ClickBatchBuilder): void;
}

export class ClickGatherer implements RowSink {
  readonly partitionCount: number;
  readonly spread: number;
  readonly parts: RecordPart[] = [];
  private readonly rowsMax: number;
  private readonly pool: BuilderPool;
  /** By partition. */
  private readonly builders: (ClickBatchBuilder | undefined)[];
  private readonly openParts: number[];

  constructor({ partitionCount, spread }: Partitioning, rowsMax: number, pool: BuilderPool) {
    this.partitionCount = partitionCount;
    this.spread = spread;
    this.rowsMax = rowsMax;
    this.pool = pool;
    this.builders = Array.from({ length: partitionCount }, () => undefined);
    this.openParts = Array.from({ length: partitionCount }, () => -1);
  }

  builderFor(partition: number): ClickBatchBuilder {
    const builder = this.builders[partition];
    return builder !== undefined && builder.rowCount < this.rowsMax
      ? builder
      : this.startPart(partition);
  }

  mark(): GatherMark {
    return {
      partCount: this.parts.length,
      openParts: [...this.openParts],
      openRows: this.builders.map((builder) => builder?.rowCount ?? 0),
    };
  }

  rollBack(mark: GatherMark): void {
    for (const { builder } of this.parts.splice(mark.partCount)) this.pool.giveBack(builder);
    for (const [partition, part] of mark.openParts.entries()) {
      const builder = this.parts[part]?.builder;
      builder?.truncate(mark.openRows[partition]!);
      this.builders[partition] = builder;
      this.openParts[partition] = part;
    }
  }

  /** What was added since the mark, by partition and in order. */
  rangesSince(mark: GatherMark): PartRange[] {
    const ranges: PartRange[] = [];
    for (const [partition, part] of mark.openParts.entries()) {
      const fromRow = mark.openRows[partition]!;
      const toRow = this.parts[part]?.builder.rowCount ?? 0;
      if (toRow > fromRow) ranges.push({ part, fromRow, toRow });
    }
    for (let part = mark.partCount; part < this.parts.length; part++) {
      ranges.push({ part, fromRow: 0, toRow: this.parts[part]!.builder.rowCount });
    }
    return ranges;
  }

  /** Gives the builders back; what they held must have been encoded. */
  release(): void {
    for (const { builder } of this.parts) this.pool.giveBack(builder);
    this.parts.length = 0;
  }

  private startPart(partition: number): ClickBatchBuilder {
    const builder = this.pool.take();
    this.builders[partition] = builder;
    this.openParts[partition] = this.parts.length;
    this.parts.push({ partition, builder });
    return builder;
  }
}
