/** Writes the order of commits down every so many records, so that its log may be trimmed. */

import type { OrderReader, OrderSnapshot } from "../../order/order-reader.ts";

export interface OrderSnapshotLimits {
  /** Records between two snapshots. */
  readonly recordsBetween: number;
  /** Of the log so many are kept behind one: who has not read for longer than they took has to begin anew. */
  readonly recordsKept: number;
}

/** A record has some 200 bytes; a start reads so many and some in tens of milliseconds. 20 MB of them are kept. */
const defaultLimits: OrderSnapshotLimits = { recordsBetween: 1_000, recordsKept: 100_000 };

export class OrderSnapshots {
  private readonly reader: OrderReader;
  private readonly write: (snapshot: OrderSnapshot) => Promise<void>;
  private readonly limits: OrderSnapshotLimits;
  private lastOffset: number;

  constructor(
    reader: OrderReader,
    write: (snapshot: OrderSnapshot) => Promise<void>,
    limits = defaultLimits,
  ) {
    this.reader = reader;
    this.write = write;
    this.limits = limits;
    this.lastOffset = reader.nextOffset;
  }

  async writeNow(): Promise<void> {
    const { reader, lastOffset, limits } = this;
    if (reader.nextOffset - lastOffset < limits.recordsBetween) return;
    const { snapshot } = reader;
    await this.write(snapshot);
    this.lastOffset = snapshot.offset;
    await reader.log.trim(snapshot.offset - limits.recordsKept);
  }
}
