/**
 * `demo`: a service of its own in a temporary directory under a realistic click stream. The demo sends requests twice
 * and kills its server with kill -9 on the way, and after a minute compares what it knows it sent with what
 * the service counted. Then it goes on until it is stopped.
 */

import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import { setTimeout as delay } from "node:timers/promises";
import type {
  BreakdownAnswer,
  CountAnswer,
  LedgerAnswer,
  StatusAnswer,
  TopAnswer,
} from "../query/query-service.ts";
import { Random } from "../traffic/random.ts";
import { ExitCode } from "./exit.ts";
import { DemoServer } from "./demo/demo-server.ts";
import { DemoTraffic } from "./demo/demo-traffic.ts";
import type { AdMinute, Comparison } from "./demo/own-record.ts";
import { OwnRecord } from "./demo/own-record.ts";

/** The account comes this long after the server is there, so that it is there within the first minute. */
const accountAfterMsDefault = 50_000;
/** When the server is killed, as shares of the time until the account. */
const killShares = [0.35, 0.7];
/** A request takes about this long; the kill comes within it. */
const unansweredMsMax = 8;
const reportEveryMs = 5_000;
const shownDifferencesMax = 20;
const catchUpMsMax = 20_000;

interface DemoFlags {
  readonly once?: true;
  readonly duration: number;
  readonly seed: number;
}

export function registerDemo(program: Command): void {
  program
    .command("demo")
    .summary("see it work: a service under load that is killed and loses nothing")
    .description(
      "Starts a service in a temporary directory on a free port, sends it a click stream, kills it twice with kill -9, " +
        "and compares its counts with what was sent. Goes on until Ctrl-C. Exits 1 where the numbers differ.",
    )
    .option("--once", "stop after the comparison")
    .addOption(
      new Option("--duration <seconds>", "until the comparison")
        .default(accountAfterMsDefault / 1000)
        .argParser(seconds),
    )
    .addOption(new Option("--seed <n>", "of the click stream").default(1).argParser(Number))
    .action(async (flags: DemoFlags) => {
      process.exitCode = await runDemo(flags);
    });
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 3 && value <= 3600))
    throw new InvalidArgumentError("3 to 3600 seconds are expected");
  return value;
}

/** The exit code. */
async function runDemo(flags: DemoFlags): Promise<number> {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  try {
    console.log("Starting clicktally in a temporary directory …");
    await using server = await DemoServer.start(stop.signal);
    // Not before: on a busy machine a start takes some of the time that the stream is to have.
    const startMs = performance.now();
    const demo = new Demo(server, flags, startMs, stop.signal);
    demo.introduce();
    const differences = await demo.runUntilAccount();
    if (flags.once !== true && !stop.signal.aborted) await demo.goOn();
    return differences === 0 ? ExitCode.done : ExitCode.found;
  } catch (error) {
    if (stop.signal.aborted) return ExitCode.done;
    throw error;
  } finally {
    process.removeListener("SIGINT", onSignal).removeListener("SIGTERM", onSignal);
    if (stop.signal.aborted) console.log("\nStopped; the temporary directory is gone.");
  }
}

class Demo {
  private readonly server: DemoServer;
  private readonly startMs: number;
  private readonly durationMs: number;
  private readonly signal: AbortSignal;
  private readonly record = new OwnRecord();
  private readonly traffic: DemoTraffic;
  private readonly startedAt = new Date(Math.floor(Date.now() / 60_000 - 1) * 60_000);
  private readonly random: Random;

  constructor(server: DemoServer, flags: DemoFlags, startMs: number, signal: AbortSignal) {
    this.server = server;
    this.startMs = startMs;
    this.durationMs = flags.duration * 1000;
    this.signal = signal;
    this.random = new Random(flags.seed);
    this.traffic = new DemoTraffic(server.url, new Random(flags.seed + 1), this.record, signal);
  }

  introduce(): void {
    const { url, directory } = this.server;
    console.log(`
It runs at ${url} with its data in ${directory}; try it while the clicks come:

  ${url}/        the dashboard
  ${url}/docs    the API
  curl '${url}/v1/ads/popular_ads?topN=5&window=60'
  curl '${url}/v1/ads/ad-1001/aggregated_count?window=60&filter=country==US;device=in=(mobile,tablet)'
  curl '${url}/v1/breakdown?by=country&window=60' -H 'Accept: text/csv'

2,000 clicks a second: a few ads get most of them, up to 10 s out of order, 2 % twice, some requests sent twice.
`);
  }

  /** How many differences there are. */
  async runUntilAccount(): Promise<number> {
    const endMs = this.startMs + this.durationMs;
    const streaming = this.traffic.streamUntil(endMs);
    await Promise.all([streaming, this.killOnTheWay(), this.reportUntil(endMs)]);
    await this.traffic.settled();
    this.traffic.record = undefined;
    if (this.signal.aborted) return 0;
    await this.caughtUp();
    return this.giveAccount();
  }

  async goOn(): Promise<void> {
    console.log(`
The stream goes on until Ctrl-C. Send a click of your own:

  curl '${this.server.url}/v1/clicks?wait=counted' -H 'Content-Type: application/json' \\
    -d '{"ad_id":"mine","event_id":"1","click_timestamp":"'$(date -u +%FT%TZ)'","country":"DE"}'
`);
    await Promise.all([this.traffic.streamUntil(Infinity), this.reportUntil(Infinity)]);
  }

  private async killOnTheWay(): Promise<void> {
    for (const share of killShares) {
      const atMs = this.startMs + this.durationMs * share + this.random.below(500);
      await delay(Math.max(0, atMs - performance.now()), undefined, { signal: this.signal });
      // With a request on its way: received, stored or answered, nobody knows.
      await this.traffic.nextDispatch();
      await delay(this.random.below(unansweredMsMax));
      const { pid } = this.server;
      await this.server.kill();
      this.say(`kill -9 ${pid}`);
      const readyMs = await this.server.launch(this.signal);
      this.say(
        `restarted, ready after ${(readyMs / 1000).toFixed(1)} s; what had no answer is sent again`,
      );
    }
  }

  private async reportUntil(endMs: number): Promise<void> {
    const goneMs = performance.now() - this.startMs;
    const reports = Math.floor(goneMs / reportEveryMs) + 1;
    for (
      let atMs = this.startMs + reports * reportEveryMs;
      atMs < endMs && !this.signal.aborted;
      atMs += reportEveryMs
    ) {
      await delay(Math.max(0, atMs - performance.now()), undefined, { signal: this.signal });
      this.say(`${this.traffic.sentClicks.toLocaleString("en-US")} clicks acknowledged`);
    }
  }

  private say(text: string): void {
    const elapsed = Math.round((performance.now() - this.startMs) / 1000);
    console.log(`${String(elapsed).padStart(4)} s  ${text}`);
  }

  /** Resolves once all that is in the queue is counted. */
  private async caughtUp(): Promise<void> {
    const deadline = performance.now() + catchUpMsMax;
    for (;;) {
      const status = await this.server.get<StatusAnswer>("/v1/status");
      if (status.partitions.every(({ lag_records }) => lag_records === 0)) return;
      if (performance.now() > deadline)
        throw new Error(`the queue is not counted after ${catchUpMsMax / 1000} s`);
      await delay(25);
    }
  }

  private async giveAccount(): Promise<number> {
    const range = this.rangeQuery();
    const ledger = await this.server.get<LedgerAnswer>(`/v1/ledger?${range}`);
    const account = this.record.compare(await this.adMinutes(range), ledger.total, ledger.balanced);
    printAccount(account, ledger.balanced);
    const top = await this.server.get<TopAnswer>(`/v1/ads/popular_ads?topN=1&${range}`);
    const [first] = top.ads;
    if (!first) return account.differences.length;
    const adId = first.ad_id;
    const one = await this.server.get<CountAnswer>(`/v1/ads/${adId}/aggregated_count?${range}`);
    console.log(
      `\n${adId} got ${one.count.toLocaleString("en-US")} clicks from ${one.from} to ${one.to}: ` +
        `${one.status}, revision ${one.revision}\n` +
        `  every one of them: ${this.server.url}/v1/ads/${adId}/explain?${range}`,
    );
    return account.differences.length;
  }

  private rangeQuery(): string {
    const end = new Date((Math.floor(Date.now() / 60_000) + 1) * 60_000);
    return `from=${this.startedAt.toISOString()}&to=${end.toISOString()}`;
  }

  private async adMinutes(range: string): Promise<AdMinute[]> {
    const rows: AdMinute[] = [];
    let cursor: string | null = null;
    do {
      const page: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const path = `/v1/breakdown?by=ad_id&granularity=minute&limit=1000&${range}${page}`;
      const answer: BreakdownAnswer = await this.server.get<BreakdownAnswer>(path);
      rows.push(...(answer.rows as unknown as AdMinute[]));
      cursor = answer.next_cursor;
    } while (cursor !== null);
    return rows;
  }
}

function printAccount(account: Comparison, balanced: boolean): void {
  const { sent, counted, duplicates, lost, twice, storedUnanswered, differences } = account;
  const text = (count: number): string => count.toLocaleString("en-US");
  console.log(
    `\nsent ${text(sent)} counted ${text(counted)} duplicates ${text(duplicates)} lost ${lost} twice ${twice} ` +
      (balanced ? "balanced" : "NOT BALANCED"),
  );
  if (storedUnanswered > 0) {
    console.log(
      `  ${text(storedUnanswered)} more were stored by requests that a kill left without an answer; ` +
        "sent again, they were known and so are among the duplicates",
    );
  }
  if (differences.length === 0) return;
  console.log("  THE NUMBERS DIFFER:");
  for (const difference of differences.slice(0, shownDifferencesMax))
    console.log(`  ${difference}`);
  if (differences.length > shownDifferencesMax)
    console.log(`  and ${differences.length - shownDifferencesMax} more`);
}
