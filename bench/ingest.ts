/** As fast as it goes, clicktally and each peer in turns: clicks a second, what they cost in CPU, memory and disk. */
import assert from "node:assert/strict";
import { PreparedLoad, acksOf } from "./prepared-load.ts";
import { presentServers, servers } from "./servers.ts";
import type { ServerName } from "./servers.ts";
import type { RowContext } from "./suite/context.ts";
import { inTurns } from "./suite/rounds.ts";
import { percentile } from "./suite/statistics.ts";

const batchRows = 10_000;
const connections = 4;

export async function measure(context: RowContext): Promise<void> {
  for (const { name, round } of inTurns(presentServers(context.tell), context.rounds)) {
    await context.attempt(`round ${round + 1}: ${name}`, () => measureServer(context, name, round));
  }
}

async function measureServer({ quick, note }: RowContext, name: ServerName, seed: number) {
  await using server = await servers[name].start();
  await using load = await PreparedLoad.prepare({
    target: server.target,
    send: { clicks: quick ? 60_000 : 900_000 },
    batchRows,
    connections,
    seed,
    warmUpClicks: quick ? 40_000 : 300_000,
  });
  await load.warmUp();
  await server.caughtUp();
  const cpuBefore = server.cpuSeconds();
  const started = performance.now();
  const report = await load.run();
  await server.caughtUp();
  const queryableSeconds = (performance.now() - started) / 1000;
  const cpuSeconds = server.cpuSeconds() - cpuBefore;
  const residentBytes = server.residentBytes();
  const sent = report.clicks + report.warmUpClicks;
  assert.equal(
    await server.totalCount(),
    server.removesDuplicates ? sent - report.duplicates : sent,
    `${name} has counted another number`,
  );
  const bytes = await server.settledBytes();
  const acks = acksOf(report);
  note("ingest.ack", name, report.clicks / report.seconds);
  note("ingest.queryable", name, report.clicks / queryableSeconds);
  note("ingest.ack_p50", name, percentile(acks, 0.5));
  note("ingest.ack_p99", name, percentile(acks, 0.99));
  note("ingest.server_cpu", name, (cpuSeconds * 1e6) / report.clicks);
  note("ingest.generator_cpu", name, (report.cpuSeconds * 1e6) / report.clicks);
  note("ingest.resident", name, residentBytes / 1e6);
  note("ingest.store_bytes", name, bytes.store / sent);
  note("ingest.disk_bytes", name, bytes.all / sent);
}
