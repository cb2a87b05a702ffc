/**
 * An engine over a store that several processes commit to: it counts what falls to it, and answers queries from what all of them
 * have committed, which it follows like those that only answer.
 */

import type { Clock } from "../clock/clock.ts";
import type { Commit } from "../model/commit.ts";
import type { Health } from "../model/health.ts";
import { QueueOutages } from "../pipeline/queue-outages.ts";
import type { ClickQueueReader } from "../queue/click-queue.ts";
import type { SharedStore } from "../store/shared-store.ts";
import { CountingLives } from "./counting-lives.ts";
import type { CountingLivesOptions } from "./counting-lives.ts";
import { DataCopies } from "./data-copies.ts";
import type { Engine } from "./engine.ts";
import { defaultMaintenance } from "./engine.ts";
import { openFollower } from "./follower.ts";
import { SharedLog } from "./shared-log.ts";

/** The store is the engine's own from here on: it closes it, also where it can't start. */
export interface SharedEngineOptions extends Omit<
  CountingLivesOptions,
  "queue" | "onCommit" | "maintenance"
> {
  readonly clock: Clock;
  /** One for counting, one for what is asked beside, which must not hold it up. */
  readonly openQueue: () => Promise<ClickQueueReader>;
  readonly store: SharedStore;
  readonly hotBytesMax: number;
  readonly queueBytes: () => Promise<number>;
  readonly auditBucketsAMinute: number;
  /** Told of each commit of its own. */
  readonly onCommitted: (commit: Commit, durationMs: number) => void;
  readonly onHealth: (health: Health) => void;
}

/** Resolves when queries can be answered; counting begins beside. */
export async function openSharedEngine(options: SharedEngineOptions): Promise<Engine> {
  const { clock, openQueue, onProblem } = options;
  await using resources = new AsyncDisposableStack();
  const store = resources.use(options.store);
  const queue = resources.use(await openQueue());
  const lives = new CountingLives({
    ...options,
    queue,
    maintenance: defaultMaintenance,
    onCommit(commit, durationMs) {
      options.onCommitted(commit, durationMs);
      follower.look();
    },
  });
  const follower = resources.use(
    await openFollower({
      clock,
      store: await store.follow(),
      queue: await openQueue(),
      placeholderConfig: options.placeholderConfig,
      hotBytesMax: options.hotBytesMax,
      audit: { bucketsAMinute: options.auditBucketsAMinute, onHealth: options.onHealth },
      numbers: async () => ({
        dedup: { ...lives.dedup, max_bytes: options.dedupBytesMax },
        queue_bytes: await options.queueBytes(),
      }),
      // Counting waits for it all the same, and who asks for numbers is told.
      onAway: () => {},
      onProblem,
      onNotice: options.onNotice,
    }),
  );
  const sharedLog = resources.use(
    new SharedLog({
      clock,
      queue,
      reading: () => lives.reading,
      notify: (partition) => lives.notify(partition),
      outages: new QueueOutages(onProblem, options.onNotice),
    }),
  );
  const counting = lives.run();
  resources.use(lives);
  const stopped = Promise.race([counting, follower.stopped]);
  stopped.catch(() => {});
  const owned = resources.move();
  return {
    query: follower.query,
    stopped,
    // Of files there are none.
    copies: new DataCopies(),
    notify: (partition) => lives.notify(partition),
    silent: (timeMs) => sharedLog.silent(timeMs),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
