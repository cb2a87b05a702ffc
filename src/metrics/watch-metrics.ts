/** What the followers of log files tell, as metrics. Made anew for each scrape. */

import { Counter, Gauge, Registry } from "prom-client";
import type { WatcherStatus } from "../model/log-source.ts";

type Tell = (status: WatcherStatus) => number;

/** In the text format of Prometheus. */
export async function watchMetrics(watchers: readonly WatcherStatus[]): Promise<string> {
  const registers = [new Registry()];
  const labelNames = ["source"];
  const gauge = (name: string, help: string, tell: Tell): void => {
    const metric = new Gauge({ name: `clicktally_watch_${name}`, help, labelNames, registers });
    for (const watcher of watchers) metric.set({ source: watcher.source }, tell(watcher));
  };
  const counter = (name: string, help: string, tell: Tell): void => {
    const metric = new Counter({ name: `clicktally_watch_${name}`, help, labelNames, registers });
    for (const watcher of watchers) metric.inc({ source: watcher.source }, tell(watcher));
  };
  gauge("lag_bytes", "Bytes of log files that are not read yet.", (w) => w.lag_bytes);
  gauge("lag_files", "Log files with something that is not read yet.", (w) => w.lag_files);
  gauge(
    "lost_bytes",
    "Bytes not read of log files that were cut or removed, and of which no copy is found.",
    (w) => w.lost_bytes,
  );
  gauge("waiting", "1 where clicks of log files are not taken for now.", (w) =>
    w.waits_for === null ? 0 : 1,
  );
  counter("lines_total", "Lines that were read and are decided on.", (w) => w.lines);
  counter("skipped_lines_total", "Of them those that are no clicks.", (w) => w.skipped_lines);
  counter(
    "bad_lines_total",
    "Of them those that are in the ledger as invalid.",
    (w) => w.bad_lines,
  );
  return await registers[0]!.metrics();
}
