import { probeFreshness } from "./freshness.ts";
import { PreparedLoad, acksOf } from "./prepared-load.ts";
import type { Server } from "./servers.ts";

const warmUpSeconds = 2;
/** A server that does not keep up is given so many times as long as it should take. */
const patience = 1.5;
const batchRows = 500;
/** Enough for a server that gathers bodies for some tenths of a second. */
const connections = 64;

export interface Held {
  readonly clicksASecond: number;
  readonly acksMs: readonly number[];
  readonly freshMs: readonly number[];
  /** Of the server. */
  readonly cores: number;
  /** Share of the bodies that were refused at least once. */
  readonly refused: number;
}

/** Sends at a rate in bodies of 500 clicks, and probes freshness; the first two seconds are not counted. */
export async function holdRate(
  server: Server,
  options: {
    readonly rate: number;
    readonly seconds: number;
    readonly seed: number;
  },
): Promise<Held> {
  await using load = await PreparedLoad.prepare({
    target: server.target,
    send: { phases: [{ rate: options.rate, seconds: warmUpSeconds + options.seconds }] },
    batchRows,
    connections,
    seed: options.seed,
    secondsMax: (warmUpSeconds + options.seconds) * patience,
  });
  const cpuBefore = server.cpuSeconds();
  const started = performance.now();
  const [report, probes] = await Promise.all([
    load.run(),
    probeFreshness(server, warmUpSeconds + options.seconds),
  ]);
  const cores = (server.cpuSeconds() - cpuBefore) / ((performance.now() - started) / 1000);
  const fromMs = warmUpSeconds * 1000;
  return {
    clicksASecond: report.clicks / report.seconds,
    acksMs: acksOf(report, fromMs),
    freshMs: probes.filter(({ dueMs }) => dueMs >= fromMs).map(({ freshMs }) => freshMs),
    cores,
    refused:
      report.bodies.filter(({ refusalMs }) => refusalMs.length > 0).length / report.bodies.length,
  };
}
