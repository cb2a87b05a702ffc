import { CodedError } from "../model/errors.ts";
import type { ClickQueueWriter } from "./click-queue.ts";

export interface QueueListener {
  /** A partition's log has grown, durably. */
  appended(partition: number): void;
  /** A sync has failed: what is durable is unknown, and the process must end. */
  failed(error: CodedError): void;
}

/** Tells a listener of every append, and of a failure also where nobody waits for an answer, as with ticks and trims. */
export function announced(queue: ClickQueueWriter, listener: QueueListener): ClickQueueWriter {
  const watched = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      if (error instanceof CodedError && error.code === "storage_failed") listener.failed(error);
      throw error;
    }
  };
  return {
    partitionCount: queue.partitionCount,
    spread: queue.spread,
    async append(records) {
      const positions = await watched(queue.append(records));
      for (const partition of new Set(positions.map((position) => position.partition)))
        listener.appended(partition);
      return positions;
    },
    trim: (partition, beforeOffset) => watched(queue.trim(partition, beforeOffset)),
    sizeBytes: () => queue.sizeBytes(),
    [Symbol.asyncDispose]: () => queue[Symbol.asyncDispose](),
  };
}
