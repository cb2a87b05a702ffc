/** The query thread: answers queries over a store that another process commits to. Composed here; the main thread calls it. */

import "../runtime/older-node.ts";
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../clock/system-clock.ts";
import type { Follower } from "../engine/follower.ts";
import { openFollower } from "../engine/follower.ts";
import { QueryMetrics } from "../metrics/query-metrics.ts";
import { CodedError } from "../model/errors.ts";
import type { QueryService } from "../query/query-service.ts";
import { askByName, queryServiceBy } from "../query/query-service.ts";
import type { Remote } from "./endpoint.ts";
import { connect } from "./endpoint.ts";
import { openOthersTopic } from "./open-queue.ts";
import { followStore } from "./open-store.ts";
import type { QueryThreadData } from "./thread-data.ts";
import { toldBy } from "./told.ts";
import { untilThere } from "./until-there.ts";

const { settings, placeholderConfig } = workerData as QueryThreadData;

const metrics = new QueryMetrics(settings.store.kind);
let opening: Promise<Follower> | undefined;
let follower: Follower | undefined;
/** Aborted at a stop: the wait for a store that is away. */
const stopping = new AbortController();

const told = toldBy(() => main);

async function open(): Promise<Follower> {
  await using resources = new AsyncDisposableStack();
  const store = resources.use(await followStore(settings));
  const queue = resources.use(await openOthersTopic(settings.queue));
  resources.move();
  return await openFollower({
    clock: systemClock,
    store,
    queue,
    placeholderConfig,
    hotBytesMax: settings.query.hotBytesMax,
    onAway: (isAway) => main.post("away", [isAway]),
    ...told,
  });
}

function query(): QueryService {
  if (!follower) throw new CodedError("not_ready", "the store is being read; ask again shortly");
  return follower.query;
}

const main: Remote = connect(parentPort!, {
  async start(): Promise<void> {
    opening = untilThere(open, { warn: told.onProblem, signal: stopping.signal });
    follower = await opening;
    follower.stopped.catch((error: unknown) => main.post("failed", [String(error)]));
  },
  ...queryServiceBy((name, args) => metrics.timed(name, () => askByName(query(), name, args))),
  metrics: () => metrics.text(),
  async stop(): Promise<void> {
    stopping.abort(new CodedError("not_ready", "the service stops"));
    const started = await opening?.catch(() => undefined);
    await started?.[Symbol.asyncDispose]();
  },
});
