import { CodedError } from "../../model/errors.ts";
import type { NewRecord, PartitionBounds } from "../../queue/click-queue.ts";

/** A write of the simulated queue. */
export type LogEntry =
  | { readonly kind: "group"; readonly records: readonly NewRecord[] }
  | { readonly kind: "trim"; readonly partition: number; readonly beforeOffset: number };

export interface IndexedRecord extends NewRecord {
  /** The write it is in. */
  readonly chunk: number;
}

/** What the writes of the log come to, by partition. */
export class LogIndex {
  readonly partitionCount: number;
  private readonly logs: { firstOffset: number; readonly records: IndexedRecord[] }[];
  private liveBytes = 0;

  constructor(partitionCount: number) {
    this.partitionCount = partitionCount;
    this.logs = Array.from({ length: partitionCount }, () => ({ firstOffset: 0, records: [] }));
  }

  get bytes(): number {
    return this.liveBytes;
  }

  apply(entry: LogEntry, chunk: number): void {
    if (entry.kind === "group") {
      for (const record of entry.records) {
        this.log(record.partition).records.push({ ...record, chunk });
        this.liveBytes += record.bytes.length;
      }
      return;
    }
    const log = this.log(entry.partition);
    for (; log.firstOffset < entry.beforeOffset; log.firstOffset++)
      this.liveBytes -= log.records[log.firstOffset]!.bytes.length;
  }

  /** By partition, the offset behind its log. */
  get ends(): number[] {
    return this.logs.map(({ records }) => records.length);
  }

  bounds(partition: number): PartitionBounds {
    const { firstOffset, records } = this.log(partition);
    return { firstOffset, nextOffset: records.length };
  }

  /** The records from an offset on that are in the log. */
  from(partition: number, offset: number): readonly IndexedRecord[] {
    const { firstOffset, nextOffset } = this.bounds(partition);
    if (offset < firstOffset || offset > nextOffset) {
      throw new CodedError(
        "data_corrupt",
        `offset ${offset} of partition ${partition}: the log holds ${firstOffset} up to ${nextOffset}`,
      );
    }
    return this.log(partition).records.slice(offset);
  }

  private log(partition: number): { firstOffset: number; readonly records: IndexedRecord[] } {
    const log = this.logs[partition];
    if (!log)
      throw new RangeError(`no partition ${partition} in a queue of ${this.partitionCount}`);
    return log;
  }
}
