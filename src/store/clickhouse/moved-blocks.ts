/** Rows that move in from another store, as blocks. */

import { EventIdKind } from "../../model/click-batch.ts";
import { movedPartition, partitionOf } from "../../model/partition.ts";
import { minuteOf } from "../../model/time.ts";
import type { MovedClicks, MovedMinutes } from "../store-moves.ts";
import { ColumnWriter } from "./column-writer.ts";
import { NativeBlock } from "./native-block.ts";
import type { Column } from "./schema.ts";
import { clickColumns, dimensionColumn, minuteColumns } from "./schema.ts";

/** What goes in one insert. */
const rowsMax = 200_000;
/** Ads whose partition is remembered. */
const adsMax = 1_000_000;

const encoder = new TextEncoder();

/** Tells the partition of before of an ad's rows. */
export class PartitionsOfBefore {
  private readonly count: number;
  private readonly known = new Map<string, number>();

  constructor(count: number) {
    this.count = count;
  }

  of(adId: string): number {
    let partition = this.known.get(adId);
    if (partition === undefined) {
      partition = movedPartition(partitionOf(encoder.encode(adId), this.count));
      if (this.known.size === adsMax) this.known.clear();
      this.known.set(adId, partition);
    }
    return partition;
  }
}

type Writers = (column: string) => ColumnWriter;

/** Chunks put together. */
async function* blocksFrom<T extends { readonly rowCount: number }>(
  chunks: AsyncIterable<T>,
  columnsOf: (chunk: T) => readonly Column[],
  write: (chunk: T, writer: Writers) => void,
): AsyncGenerator<NativeBlock> {
  let writers = new Map<string, ColumnWriter>();
  let rowCount = 0;
  const build = (): NativeBlock =>
    new NativeBlock(
      rowCount,
      [...writers.values()].map((writer) => writer.build()),
    );
  for await (const chunk of chunks) {
    if (writers.size === 0)
      writers = new Map(columnsOf(chunk).map((own) => [own.name, new ColumnWriter(own)]));
    write(chunk, (column) => writers.get(column)!);
    rowCount += chunk.rowCount;
    if (rowCount < rowsMax) continue;
    yield build();
    writers = new Map();
    rowCount = 0;
  }
  if (rowCount > 0) yield build();
}

function dimensionColumns({ dimensions }: MovedClicks | MovedMinutes): Column[] {
  return [...dimensions.keys()].map(dimensionColumn);
}

function writeDimensions({ dimensions }: MovedClicks | MovedMinutes, writer: Writers): void {
  for (const [name, values] of dimensions) {
    const own = writer(dimensionColumn(name).name);
    for (const value of values) own.text(value);
  }
}

export function clickBlocks(
  chunks: AsyncIterable<MovedClicks>,
  partitions: PartitionsOfBefore,
): AsyncGenerator<NativeBlock> {
  return blocksFrom(
    chunks,
    (chunk) => [...clickColumns, ...dimensionColumns(chunk)],
    (chunk, writer) => {
      const numbers = (column: string, values: ArrayLike<number>): void => {
        const own = writer(column);
        for (let row = 0; row < chunk.rowCount; row++) own.number(values[row]!);
      };
      const texts = (column: string, values: readonly string[]): void => {
        const own = writer(column);
        for (const value of values) own.text(value);
      };
      numbers("sequence", chunk.sequences);
      numbers(
        "partition",
        chunk.adIds.map((adId) => partitions.of(adId)),
      );
      numbers("log_offset", chunk.offsets);
      numbers("row", chunk.rows);
      numbers("received_at", chunk.receivedAtMs);
      texts("source", chunk.sources);
      numbers("minute", chunk.clickTimestamps.map(minuteOf));
      numbers("click_timestamp", chunk.clickTimestamps);
      texts("ad_id", chunk.adIds);
      writer("event_id_kind").uint8s(chunk.eventIdKinds);
      const ids = writer("event_id");
      for (const [row, kind] of chunk.eventIdKinds.entries())
        if (kind === EventIdKind.text) ids.zeros(16);
        else ids.uint128(chunk.eventIdWords, row);
      texts("event_id_text", chunk.eventIdTexts);
      writer("outcome").uint8s(chunk.outcomes);
      writeDimensions(chunk, writer);
    },
  );
}

export function minuteBlocks(
  chunks: AsyncIterable<MovedMinutes>,
  partitions: PartitionsOfBefore,
): AsyncGenerator<NativeBlock> {
  return blocksFrom(
    chunks,
    (chunk) => [...minuteColumns, ...dimensionColumns(chunk)],
    (chunk, writer) => {
      for (let row = 0; row < chunk.rowCount; row++) {
        writer("sequence").number(chunk.sequences[row]!);
        writer("partition").number(partitions.of(chunk.adIds[row]!));
        writer("minute").number(chunk.minutes[row]!);
        writer("ad_id").text(chunk.adIds[row]!);
        writer("clicks").number(chunk.counts[row]!);
      }
      writer("restated").uint8s(chunk.restated);
      writeDimensions(chunk, writer);
    },
  );
}
