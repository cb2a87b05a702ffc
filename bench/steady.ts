/** 50,000 clicks a second on schedule, clicktally and each peer in turns: how long an acknowledgement takes, and how fresh counts are. */
import { holdRate } from "./hold-rate.ts";
import { presentServers, servers } from "./servers.ts";
import type { ServerName } from "./servers.ts";
import type { RowContext } from "./suite/context.ts";
import { inTurns } from "./suite/rounds.ts";
import { percentile } from "./suite/statistics.ts";

const rate = 50_000;

export async function measure(context: RowContext): Promise<void> {
  for (const { name, round } of inTurns(presentServers(context.tell), context.rounds))
    await context.attempt(`round ${round + 1}: ${name}`, () => measureServer(context, name, round));
}

async function measureServer({ quick, note }: RowContext, name: ServerName, seed: number) {
  await using server = await servers[name].start();
  const held = await holdRate(server, { rate, seconds: quick ? 2 : 6, seed });
  note("steady.rate", name, held.clicksASecond);
  note("steady.ack_p50", name, percentile(held.acksMs, 0.5));
  note("steady.ack_p99", name, percentile(held.acksMs, 0.99));
  note("steady.fresh_p50", name, percentile(held.freshMs, 0.5));
  note("steady.fresh_p99", name, percentile(held.freshMs, 0.99));
  note("steady.cpu", name, held.cores);
}
