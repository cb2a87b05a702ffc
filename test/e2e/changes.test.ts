import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { formatMinute, hourMs } from "../../src/model/time.ts";
import { Random } from "../../src/traffic/random.ts";
import { ChangesTable, readChanges } from "../support/changes-reader.ts";
import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const bodies = 150;
const clicksABody = 40;
const seed = 5;

/** Few ads and values, so that counts are changed again and again; some come hours late. */
function bodyOf(random: Random): string {
  const lines = Array.from({ length: clicksABody }, () => {
    const lateMs = random.chance(0.15) ? random.between(hourMs, 3 * hourMs) : random.below(90_000);
    return JSON.stringify({
      ad_id: `ad-${random.below(12)}`,
      click_timestamp: Date.now() - lateMs,
      event_id: random.uuid(),
      ...(random.chance(0.8) && { country: random.pick(["US", "DE", "CN"]) }),
      ...(random.chance(0.8) && { device: random.pick(["mobile", "tv"]) }),
    });
  });
  return lines.join("\n");
}

/** Follows whichever service is there, in either form, and dies after some lines, wherever that is. */
class MortalConsumer {
  readonly table = new ChangesTable();
  deaths = 0;
  private readonly random = new Random(seed + 1);
  private readonly urlNow: () => string;
  private isStopped = false;

  constructor(urlNow: () => string) {
    this.urlNow = urlNow;
  }

  stop(): void {
    this.isStopped = true;
  }

  async run(): Promise<void> {
    while (!this.isStopped) {
      const death = new AbortController();
      // Its own death, or that of the service: either way it goes on with what it has kept.
      await this.live(death).catch(() => {});
      await eventually("the service is there", async () =>
        (await fetch(`${this.urlNow()}/readyz`)).ok ? true : undefined,
      );
    }
  }

  private async live(death: AbortController): Promise<void> {
    const { random, table } = this;
    const { since } = table;
    const request = { since, asEvents: random.chance(0.5), signal: death.signal };
    let linesLeft = random.between(1, 400);
    for await (const told of readChanges(this.urlNow(), request)) {
      if (linesLeft-- === 0 || this.isStopped) {
        this.deaths++;
        return death.abort();
      }
      table.take(told);
    }
  }
}

async function breakdownLines(service: ServiceProcess): Promise<string[]> {
  interface Page {
    readonly rows: readonly Readonly<Record<string, string | number | null>>[];
    readonly next_cursor: string | null;
  }
  const lines: string[] = [];
  const query = "by=ad_id,country,device&granularity=minute&window=6h";
  for (let cursor = ""; ;) {
    const page = await service.get<Page>(`/v1/breakdown?${query}${cursor}`);
    for (const { start, ad_id, country, device, count } of page.rows)
      lines.push(`${JSON.stringify([start, ad_id, country, device])} ${count}`);
    if (page.next_cursor === null) return lines.toSorted();
    cursor = `&cursor=${page.next_cursor}`;
  }
}

/** The minute store of a stopped service, as it lies in its file. */
async function storedLines(path: string): Promise<string[]> {
  const instance = await DuckDBInstance.create(path, { access_mode: "READ_ONLY" });
  const connection = await instance.connect();
  const tables = await connection.runAndReadAll(
    "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'minute%'",
  );
  const rows = tables
    .getRowsJS()
    .map(([name]) => `SELECT minute, ad, k_country, k_device, clicks FROM "${String(name)}"`);
  const found = await connection.runAndReadAll(
    `SELECT m.minute, a."value", c."value", d."value", SUM(m.clicks)::INTEGER
     FROM (${rows.join(" UNION ALL ")}) m JOIN dictionary_ad_id a ON a."key" = m.ad
       LEFT JOIN dictionary_country c ON c."key" = m.k_country
       LEFT JOIN dictionary_device d ON d."key" = m.k_device
     GROUP BY ALL`,
  );
  const lines = found.getRowsJS().map(([minute, ad, country, device, count]) => {
    const key = JSON.stringify([formatMinute(minute as number), ad, country, device]);
    return `${key} ${String(count)}`;
  });
  connection.closeSync();
  instance.closeSync();
  return lines.toSorted();
}

describe("a consumer of changes that is killed and resumed at random", () => {
  it("rebuilds exactly the minute store, through a kill of the service and late clicks", async (t) => {
    await using directory = await temporaryDirectory();
    const env = { CLICKTALLY_COMMIT_MAX_DELAY: "5ms" };
    const start = () => ServiceProcess.start({ dataDir: directory.path, env });
    let service = await start();
    const consumer = new MortalConsumer(() => service.url);
    const consumed = consumer.run();
    const random = new Random(seed);
    for (let body = 0; body < bodies; body++) {
      const { status } = await service.post("/v1/clicks", bodyOf(random));
      assert.equal(status, 200);
      if (body === 50) {
        await service.kill();
        service = await start();
      }
      if (body === 100) {
        await service[Symbol.asyncDispose]();
        service = await start();
      }
    }
    await using last = service;
    await last.caughtUp();
    consumer.stop();
    // What comes ends its waiting.
    await last.post("/v1/clicks?wait=counted", bodyOf(random));
    await consumed;
    await consumer.table.catchUp(last.url);
    const { lines } = consumer.table;
    assert.deepEqual(lines, await breakdownLines(last));
    last.terminate();
    await last.endedByItself();
    assert.deepEqual(lines, await storedLines(join(directory.path, "store.duckdb")));
    const clicks = lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
    assert.equal(clicks, (bodies + 1) * clicksABody);
    assert.ok(consumer.deaths >= 5, `it died ${consumer.deaths} times only`);
    t.diagnostic(`${lines.length} counts of ${clicks} clicks, ${consumer.deaths} deaths`);
  });
});
