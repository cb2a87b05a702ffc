/** A process that takes clicks in, for another to count: it keeps nothing, and any number of them may run. */

import { AdminLog } from "../access/admin-log.ts";
import type { Settings } from "../config.ts";
import { AdmissionGate } from "../ingest/backpressure.ts";
import { silentLog } from "../logging/log.ts";
import { ServiceMetrics } from "../metrics/service-metrics.ts";
import { isProtecting } from "../model/dimensions.ts";
import { soundHealth } from "../model/health.ts";
import type { Service, StartOptions } from "../service.ts";
import { ingestProxy, startThread, watchersOf } from "../threads/start-thread.ts";
import type { IngestThreadData } from "../threads/thread-data.ts";
import { controlsElsewhere, filesElsewhere, queriesElsewhere } from "./elsewhere.ts";
import { Lifecycle } from "./lifecycle.ts";
import { listen } from "./listen.ts";
import { openKeys } from "./open-keys.ts";
import { toldTo } from "./told.ts";

/** Listens at once; resolves when the queue takes clicks. */
export async function startIngest(settings: Settings, options: StartOptions): Promise<Service> {
  const { log = silentLog() } = options;
  await using resources = new AsyncDisposableStack();
  const keys = resources.use(await openKeys(settings, options));
  const admission = new AdmissionGate(settings.limits);
  const lifecycle = new Lifecycle(admission, "waiting for the click queue");
  const thread = startThread(
    "ingest",
    { settings } satisfies IngestThreadData,
    [],
    {
      told: toldTo(log),
      failed: (message: string) => lifecycle.fail(new Error(`ingest stopped: ${message}`)),
    },
    lifecycle.fail,
  );
  resources.defer(() => thread.end());
  const { accept, appendBatch } = ingestProxy(thread.remote);
  const parts = {
    // Batches of an import are clicks too, only older.
    ingest: { ...controlsElsewhere, accept, appendBatch },
    query: queriesElsewhere,
    backups: filesElsewhere,
    exports: filesElsewhere,
  };
  const watchers = watchersOf(thread.remote);
  const url = await listen(resources, lifecycle, {
    ...parts,
    admission,
    settings,
    keys,
    adminLog: new AdminLog(undefined, log),
    log,
    health: () => soundHealth,
    watchers,
    metrics: new ServiceMetrics({ watchers }),
  });
  await thread.remote.call("start", []);
  if (isProtecting(settings.dimensions)) await thread.remote.call("protect", []);
  await thread.remote.call("startIntake", []);
  await thread.remote.call("startWatchers", []);
  lifecycle.ready();
  return lifecycle.service({ url, ...parts }, resources.move());
}
