/**
 * Holds a rate of clicks for a time, and tells what has drifted: memory, file handles, disk a click, freshness, ack
 * p99. The service, the load generator and this process are three processes.
 *
 *   node bench/soak.ts [--rate 50000] [--minutes 30] [--dedup-horizon 5m] [--seed 1] [--sample-seconds 10] [--json]
 */
import { setTimeout as delay } from "node:timers/promises";
import { ExitCode, exitCodeOf, messageOf } from "../src/commands/exit.ts";
import { Clicktally } from "./service.ts";
import { checkBooks } from "./soak/books.ts";
import type { Check } from "./soak/books.ts";
import { driftOf } from "./soak/drift.ts";
import type { FigureDrift } from "./soak/drift.ts";
import { Load } from "./soak/load.ts";
import { readOptions, usage } from "./soak/options.ts";
import type { SoakOptions } from "./soak/options.ts";
import { endSamples, reportOf, showSample } from "./soak/print.ts";
import { Sampler } from "./soak/sample.ts";
import type { Sample } from "./soak/sample.ts";
import { Dashboard, FreshnessProbe } from "./soak/visitors.ts";

export interface SoakReport {
  readonly held: boolean;
  readonly options: SoakOptions;
  readonly figures: readonly FigureDrift[];
  readonly checks: readonly Check[];
  readonly clicks: number;
  readonly samples: number;
}

const connections = 16;
/**
 * At 50,000 clicks/s the cache of recent minutes takes 34 minutes to fill its 128 MB, and a cache on its way to its bound
 * is no drift. Half of it has room for what the dashboard asks in a run of so many minutes.
 */
const hotBytesOfShortRun = "64MB";
const shortRunMinutesMax = 30;
/** What docs/operations.md recommends. */
const recommended = { MALLOC_ARENA_MAX: "2" };
/** Bodies hold as many clicks as come in this time, so many at most. */
const bodyMs = 50;
const batchRowsMax = 500;

process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const options = readOptions(process.argv.slice(2));
    if (!options) {
      console.log(usage);
      return ExitCode.done;
    }
    const { report, seconds } = await soak(options);
    if (options.json) console.log(JSON.stringify(report, null, 2));
    else console.log(reportOf(report.figures, report.checks, seconds));
    return report.held ? ExitCode.done : ExitCode.found;
  } catch (error) {
    console.error(messageOf(error));
    const code = exitCodeOf(error);
    if (code === ExitCode.wrongUsage) console.error(usage);
    return code;
  }
}

async function soak(options: SoakOptions): Promise<{ report: SoakReport; seconds: number }> {
  const seconds = options.minutes * 60;
  const interrupted = interruption();
  await using service = await Clicktally.start(settingsOf(options));
  const batchRows = Math.min(batchRowsMax, Math.max(1, Math.round((options.rate * bodyMs) / 1000)));
  await using load = await Load.prepare({
    url: service.insertUrl,
    clicks: options.rate * seconds,
    batchRows,
    connections,
    rate: options.rate,
    seed: options.seed,
  });
  const probe = new FreshnessProbe();
  const dashboard = new Dashboard();
  const fromMs = Date.now();
  const sampler = new Sampler(service, load, probe, dashboard);
  const stop = new AbortController();
  const sending = load.run().finally(() => {
    stop.abort();
    probe.stop();
    dashboard.stop();
  });
  const samples: Sample[] = [];
  const running = Promise.all([
    sending,
    probe.probe(service),
    dashboard.look(service),
    takeSamples(sampler, options.sampleSeconds, stop.signal, (sample) => {
      samples.push(sample);
      showSample(sample, seconds, process.stderr);
    }),
  ]);
  await Promise.race([running, interrupted]);
  endSamples(process.stderr);
  const sentSeconds = (Date.now() - fromMs) / 1000;
  await service.caughtUp();
  const clicks = load.clicks + probe.clicks;
  const sent = {
    fromMs,
    toMs: Date.now(),
    expectedSeconds: seconds,
    seconds: sentSeconds,
    clicks,
    duplicates: load.duplicates,
    probeClicks: probe.clicks,
    refusals: load.refusals + probe.refusals,
  };
  const checks = await checkBooks(service, sent, options.seed);
  const figures = driftOf(samples, seconds);
  const held = [...figures, ...checks].every((part) => part.held);
  return { report: { held, options, figures, checks, clicks, samples: samples.length }, seconds };
}

/** By variable. What the environment says goes first, but for the horizon. */
function settingsOf({ dedupHorizon, minutes }: SoakOptions): Record<string, string> {
  const settings: Record<string, string> = {
    ...recommended,
    ...(minutes <= shortRunMinutesMax ? { CLICKTALLY_QUERY_HOT_BYTES: hotBytesOfShortRun } : {}),
  };
  for (const name of Object.keys(settings)) settings[name] = process.env[name] ?? settings[name]!;
  return { ...settings, CLICKTALLY_DEDUP_HORIZON: dedupHorizon };
}

/** Rejects when somebody wants it to end, so that no process and no directory is left. */
function interruption(): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  // Nobody waits for it before the load runs.
  promise.catch(() => {});
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => reject(new Error(`interrupted by ${signal}`)));
  return promise;
}

async function takeSamples(
  sampler: Sampler,
  everySeconds: number,
  stop: AbortSignal,
  use: (sample: Sample) => void,
): Promise<void> {
  for (let number = 1, startMs = performance.now(); ; number++) {
    const dueMs = startMs + number * everySeconds * 1000;
    await delay(Math.max(0, dueMs - performance.now()), undefined, { signal: stop }).catch(
      () => {},
    );
    if (stop.aborted) return;
    use(await sampler.take());
  }
}
