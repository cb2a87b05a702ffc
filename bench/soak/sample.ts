/** What is looked at again and again while the load runs. */
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { StatusAnswer } from "../../src/query/query-service.ts";
import { cpuSecondsOf, directoryBytes } from "../processes.ts";
import { percentile } from "../suite/statistics.ts";
import type { Clicktally } from "../service.ts";
import type { Load } from "./load.ts";
import type { Dashboard, FreshnessProbe } from "./visitors.ts";

export interface Sample {
  /** Since the load began. */
  readonly seconds: number;
  /** Acknowledged so far. */
  readonly clicks: number;
  readonly clicksASecond: number;
  readonly residentBytes: number;
  /** Of it, what is no file: heaps, buffers, caches. */
  readonly anonymousBytes: number;
  readonly handles: number;
  readonly queueBytes: number;
  readonly storeBytes: number;
  readonly diskBytes: number;
  readonly lagClicks: number;
  readonly lagSeconds: number;
  readonly dedupIds: number;
  readonly dedupBytes: number;
  readonly refusals: number;
  /** Of the time since the sample before. */
  readonly ackMs: readonly number[];
  readonly freshnessMs: readonly number[];
  readonly queryMs: readonly number[];
  /** Cores. */
  readonly serviceCpu: number;
  readonly generatorCpu: number;
}

export class Sampler {
  private readonly service: Clicktally;
  private readonly load: Load;
  private readonly probe: FreshnessProbe;
  private readonly dashboard: Dashboard;
  private readonly startMs = performance.now();
  private before: { readonly seconds: number; readonly clicks: number; readonly cpu: number };

  constructor(service: Clicktally, load: Load, probe: FreshnessProbe, dashboard: Dashboard) {
    this.service = service;
    this.load = load;
    this.probe = probe;
    this.dashboard = dashboard;
    this.before = { seconds: 0, clicks: 0, cpu: cpuSecondsOf(service.pid) };
  }

  async take(): Promise<Sample> {
    const { service, load, probe, before } = this;
    const status = await service.get<StatusAnswer>("/v1/status");
    const now = {
      seconds: (performance.now() - this.startMs) / 1000,
      clicks: load.clicks,
      cpu: cpuSecondsOf(service.pid),
    };
    this.before = now;
    const elapsed = now.seconds - before.seconds;
    const { ackMs, cpuSeconds } = load.take();
    return {
      seconds: now.seconds,
      clicks: now.clicks,
      clicksASecond: (now.clicks - before.clicks) / elapsed,
      ...memoryOf(service.pid),
      handles: readdirSync(`/proc/${service.pid}/fd`).length,
      queueBytes: bytesOfFiles(service.dataDir, "queue."),
      storeBytes: bytesOfFiles(service.dataDir, "store."),
      diskBytes: directoryBytes(service.dataDir),
      lagClicks: sum(status.partitions.map((partition) => partition.lag_clicks ?? 0)),
      lagSeconds: Math.max(...status.partitions.map((partition) => partition.lag_seconds ?? 0)),
      dedupIds: status.dedup!.ids,
      dedupBytes: status.dedup!.bytes,
      refusals: load.refusals + probe.refusals,
      ackMs,
      freshnessMs: probe.take(),
      queryMs: this.dashboard.take(),
      serviceCpu: (now.cpu - before.cpu) / elapsed,
      generatorCpu: cpuSeconds / elapsed,
    };
  }
}

function memoryOf(pid: number): { residentBytes: number; anonymousBytes: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const bytesOf = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)![1]) * 1024;
  return { residentBytes: bytesOf("VmRSS"), anonymousBytes: bytesOf("RssAnon") };
}

/** A file with its companions, such as write-ahead logs. */
function bytesOfFiles(directory: string, prefix: string): number {
  const names = readdirSync(directory).filter((name) => name.startsWith(prefix));
  return sum(
    names.map((name) => statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0),
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

export function p50(values: readonly number[]): number {
  return percentile(values, 0.5);
}

export function p99(values: readonly number[]): number {
  return percentile(values, 0.99);
}
