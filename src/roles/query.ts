/** A process that answers queries over what another one commits: it keeps nothing, and any number of them may run. */

import { AdminLog } from "../access/admin-log.ts";
import { placeholderGeneration } from "../aggregate/state.ts";
import type { Settings } from "../config.ts";
import { semanticConfigOf } from "../config.ts";
import { AdmissionGate } from "../ingest/backpressure.ts";
import { silentLog } from "../logging/log.ts";
import { ServiceMetrics } from "../metrics/service-metrics.ts";
import { soundHealth } from "../model/health.ts";
import type { Service, StartOptions } from "../service.ts";
import { queryProxy, startThread } from "../threads/start-thread.ts";
import type { QueryThreadData } from "../threads/thread-data.ts";
import { clicksElsewhere, controlsElsewhere, filesElsewhere } from "./elsewhere.ts";
import { Lifecycle } from "./lifecycle.ts";
import { listen } from "./listen.ts";
import { openKeys } from "./open-keys.ts";
import { toldTo } from "./told.ts";

/** Listens at once; resolves when the store has been read. */
export async function startQuery(settings: Settings, options: StartOptions): Promise<Service> {
  const { log = silentLog() } = options;
  await using resources = new AsyncDisposableStack();
  const keys = resources.use(await openKeys(settings, options));
  const admission = new AdmissionGate(settings.limits);
  const lifecycle = new Lifecycle(admission, "reading the store");
  const semantic = semanticConfigOf(settings);
  const thread = startThread(
    "query",
    {
      settings,
      placeholderConfig: { ...semantic, generation: placeholderGeneration, fromMinute: 0 },
    } satisfies QueryThreadData,
    [],
    {
      told: toldTo(log),
      away(isAway: boolean) {
        lifecycle.away(isAway ? "the store is away" : undefined);
        if (isAway) log.warn("the store is away: queries are refused");
        else log.info("the store is there again: queries are answered");
      },
      failed: (message: string) => lifecycle.fail(new Error(`queries stopped: ${message}`)),
    },
    lifecycle.fail,
  );
  resources.defer(() => thread.end());
  const query = queryProxy(thread.remote);
  const parts = {
    ingest: { ...clicksElsewhere, ...controlsElsewhere },
    query,
    backups: filesElsewhere,
    exports: filesElsewhere,
  };
  const url = await listen(resources, lifecycle, {
    ...parts,
    admission,
    settings,
    keys,
    adminLog: new AdminLog(undefined, log),
    log,
    health: () => soundHealth,
    watchers: async () => [],
    metrics: new ServiceMetrics({
      status: () => query.status(),
      engineText: () => thread.remote.call("metrics", []),
    }),
  });
  await thread.remote.call("start", []);
  lifecycle.ready();
  return lifecycle.service({ url, ...parts }, resources.move());
}
