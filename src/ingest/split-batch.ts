import type { ClickBatch, DimensionColumn, StringColumn } from "../model/click-batch.ts";
import { EventIdKind } from "../model/click-batch.ts";
import { ClickBatchBuilder } from "../model/click-batch-builder.ts";
import type { DimensionColumnBuilder } from "../model/click-batch-builder.ts";
import type { DimensionLayout } from "../model/dimensions.ts";
import type { Partitioning } from "../model/partition.ts";
import { partitionOfPiece, partitionOfRange } from "../model/partition.ts";
import { pieceOfText, pieceOfWords } from "../model/piece.ts";

export interface PartitionBatch {
  readonly partition: number;
  readonly batch: ClickBatch;
}

/** The rows of a batch by their partition, in their order; partitions without rows are left out. */
export function splitByPartition(
  batch: ClickBatch,
  layout: DimensionLayout,
  { partitionCount, spread }: Partitioning,
): PartitionBatch[] {
  if (partitionCount === 1) return batch.rowCount === 0 ? [] : [{ partition: 0, batch }];
  const homes = adHomes(batch.ad, partitionCount);
  const builders = new Map<number, ClickBatchBuilder>();
  for (let row = 0; row < batch.rowCount; row++) {
    const piece = spread === 1 ? 0 : pieceAt(batch, row, spread);
    const home = homes[batch.ad.codes[row]! - 1]!;
    const partition = partitionOfPiece(home, piece, partitionCount);
    let builder = builders.get(partition);
    if (builder === undefined) {
      builder = new ClickBatchBuilder(layout);
      builders.set(partition, builder);
    }
    copyRow(batch, row, builder);
  }
  return Array.from(builders, ([partition, builder]) => ({ partition, batch: builder.view() }));
}

function pieceAt({ eventIds }: ClickBatch, row: number, spread: number): number {
  const { kinds, words, textOffsets, textBytes } = eventIds;
  if (kinds[row] !== EventIdKind.text) return pieceOfWords(words, row * 4, spread);
  const entry = words[row * 4]!;
  return pieceOfText(textBytes, textOffsets[entry]!, textOffsets[entry + 1]!, spread);
}

/** By entry of the column. */
function adHomes(
  { bytes, offsets, entryCount }: StringColumn,
  partitionCount: number,
): Uint32Array {
  const homes = new Uint32Array(entryCount);
  for (let entry = 0; entry < entryCount; entry++) {
    homes[entry] = partitionOfRange(bytes, offsets[entry]!, offsets[entry + 1]!, partitionCount);
  }
  return homes;
}

function copyRow(batch: ClickBatch, row: number, builder: ClickBatchBuilder): void {
  const to = builder.rowCount;
  copyText(batch.ad, row, builder.ad, to);
  const { kinds, words, textOffsets, textBytes } = batch.eventIds;
  const at = row * 4;
  if (kinds[row] === EventIdKind.text) {
    const entry = words[at]!;
    builder.eventIds.set(to, textBytes, textOffsets[entry]!, textOffsets[entry + 1]!);
  } else if (kinds[row] === EventIdKind.uuid) {
    builder.eventIds.setUuid(to, words.subarray(at, at + 4));
  } else {
    builder.eventIds.setDerived(to, words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!);
  }
  for (const [i, { column }] of batch.dimensions.entries()) {
    copyValue(column, row, builder.dimensions[i]!.column, to);
  }
  builder.endRow(batch.clickTimestamps[row]!);
}

function copyValue(
  from: DimensionColumn,
  row: number,
  column: DimensionColumnBuilder,
  to: number,
): void {
  if (from.type === "ip") {
    if (column.type === "ip" && from.present[row] === 1) column.setWords(to, from.words, row * 4);
  } else if (column.type === "string") {
    copyText(from, row, column, to);
  }
}

function copyText(
  from: StringColumn,
  row: number,
  column: { set(row: number, source: Uint8Array, start: number, end: number): void },
  to: number,
): void {
  const code = from.codes[row]!;
  if (code !== 0) column.set(to, from.bytes, from.offsets[code - 1]!, from.offsets[code]!);
}
