import type { ClickQueueReader, ClickQueueWriter } from "../../src/queue/click-queue.ts";
import type { QueueUnderTest } from "../contract/click-queue.contract.ts";

interface OpenQueue {
  readonly writer: ClickQueueWriter;
  readonly reader: ClickQueueReader;
  readonly hasClock?: boolean;
}

/** A queue that can be opened anew; `takeAway` after it was closed for good. */
export async function queueUnderTest(
  open: () => Promise<OpenQueue>,
  takeAway: () => PromiseLike<void> | void = () => {},
): Promise<QueueUnderTest> {
  const close = async (): Promise<void> => {
    await queue.reader[Symbol.asyncDispose]();
    await queue.writer[Symbol.asyncDispose]();
  };
  const queue: QueueUnderTest = {
    ...(await open()),
    async reopen() {
      await close();
      Object.assign(queue, await open());
    },
    async [Symbol.asyncDispose]() {
      await close();
      await takeAway();
    },
  };
  return queue;
}
