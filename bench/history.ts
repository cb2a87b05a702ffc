/** What a history of clicks costs a service that holds it, all of their ids in the recent tier. */
import type { StatusAnswer } from "../src/query/query-service.ts";
import { PreparedLoad } from "./prepared-load.ts";
import { residentBytesOf } from "./processes.ts";
import { Clicktally } from "./service.ts";
import { storeBytesOf } from "./store-bytes.ts";
import type { FigureId } from "./suite/figures.ts";
import type { WorkloadOptions } from "./workload.ts";

const clicksALoad = 1_000_000;

export interface History {
  readonly clicks: number;
  /** Times that the service is killed and started again. */
  readonly kills: number;
  readonly workload?: WorkloadOptions;
  readonly settings?: Readonly<Record<string, string>>;
}

/** Values of the figures of the table `cost`. */
export type Costs = readonly (readonly [figure: FigureId, value: number])[];

/** A service of its own takes the clicks in, is killed with -9 and started, and is stopped. */
export async function costsOf(history: History): Promise<Costs> {
  await using service = await Clicktally.start(history.settings);
  await fill(service, history);
  const { dedup, totals } = await service.get<StatusAnswer>("/v1/status");
  const residentBytes = residentBytesOf(service.pid);
  const costs: [FigureId, number][] = [];
  for (let kill = 0; kill < history.kills; kill++) {
    await service.stop("SIGKILL");
    const start = performance.now();
    costs.push(["cost.start", await service.restart()]);
    const after = await service.get<StatusAnswer>("/v1/status");
    if (after.totals.received !== totals.received + kill)
      throw new Error(`${after.totals.received} of ${totals.received + kill} clicks are there`);
    await service.countOne(`after-${kill}`);
    costs.push(["cost.counts", (performance.now() - start) / 1000]);
    costs.push(["cost.resident_after", residentBytesOf(service.pid) / 1e6]);
  }
  await service.stop("SIGTERM");
  const parts = await storeBytesOf(service.dataDir);
  return [
    ...costs,
    ["cost.resident", residentBytes / 1e6],
    ["cost.id_bytes", dedup!.bytes / dedup!.ids],
    ["cost.store_bytes", service.bytesOnDisk().store / totals.received],
    ["cost.raw_bytes", parts.raw / totals.received],
    ["cost.minute_bytes", parts.minutes / totals.received],
  ];
}

/** The bodies of a load are made while the one before is sent. */
async function fill(service: Clicktally, { clicks, workload }: History): Promise<void> {
  const prepare = (done: number): Promise<PreparedLoad> =>
    PreparedLoad.prepare({
      target: { kind: "http", url: service.insertUrl },
      send: { clicks: Math.min(clicksALoad, clicks - done) },
      batchRows: 10_000,
      connections: 4,
      seed: done,
      ...(workload && { workload }),
    });
  let next: Promise<PreparedLoad> | undefined = prepare(0);
  for (let done = clicksALoad; next; done += clicksALoad) {
    await using load: PreparedLoad = await next;
    next = done < clicks ? prepare(done) : undefined;
    await load.run();
  }
  await service.caughtUp();
}
