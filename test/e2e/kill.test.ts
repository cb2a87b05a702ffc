import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openDuckDbStore } from "../../src/store/duckdb/duckdb-store.ts";
import { openSqliteQueueReader } from "../../src/queue/sqlite/reader.ts";
import { Random } from "../../src/traffic/random.ts";
import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const cycleCount = 30;
const batchSize = 200;
const senderCount = 6;

/** Sends batches without a pause; keeps those that were not acked, to send them again. */
class Load {
  readonly sentByAd = new Map<string, number>();
  private readonly random: Random;
  private unacked: string[] = [];
  private inFlight = new Set<string>();
  private stopping = false;
  acked = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  get inFlightCount(): number {
    return this.inFlight.size;
  }

  /** Until the service is gone or `stop` was called. */
  async run(service: ServiceProcess): Promise<void> {
    this.stopping = false;
    const sender = async (): Promise<void> => {
      while (!this.stopping) {
        const batch = this.unacked.pop() ?? this.newBatch();
        this.inFlight.add(batch);
        try {
          const { status } = await service.post("/v1/clicks", batch);
          assert.equal(status, 200);
          this.acked += batchSize;
        } catch {
          // Whether it was taken is not known: it is sent again, as any client would.
          this.unacked.push(batch);
          return;
        } finally {
          this.inFlight.delete(batch);
        }
      }
    };
    await Promise.all(Array.from({ length: senderCount }, sender));
  }

  stop(): void {
    this.stopping = true;
  }

  async sendUnacked(service: ServiceProcess): Promise<void> {
    for (const batch of this.unacked.splice(0)) {
      const { status } = await service.post("/v1/clicks", batch);
      assert.equal(status, 200);
    }
  }

  private newBatch(): string {
    const { random } = this;
    const lines: string[] = [];
    for (let i = 0; i < batchSize; i++) {
      const adId = `ad-${random.below(50)}`;
      this.sentByAd.set(adId, (this.sentByAd.get(adId) ?? 0) + 1);
      lines.push(
        JSON.stringify({
          ad_id: adId,
          click_timestamp: Date.now(),
          event_id: random.uuid(),
          country: "DE",
        }),
      );
    }
    return lines.join("\n");
  }
}

/** How far the store was behind the queue when the process died, in records. */
async function uncommittedRecords(dataDir: string): Promise<number> {
  await using queue = await openSqliteQueueReader({ path: join(dataDir, "queue.sqlite") });
  await using store = await openDuckDbStore({
    path: join(dataDir, "store.duckdb"),
    memoryBytesMax: 256_000_000,
    threads: 1,
  });
  const { progress } = await store.recover();
  const committed = progress.find(({ partition }) => partition === 0)?.nextOffset ?? 0;
  return (await queue.bounds(0)).nextOffset - committed;
}

describe("kill -9 at random moments under load", () => {
  it(`loses nothing and counts nothing twice over ${cycleCount} cycles`, async () => {
    await using directory = await temporaryDirectory();
    const dataDir = directory.path;
    const random = new Random(20_261_123);
    const load = new Load(7);
    // Rarely trimmed and slowly committed, so that each kill finds requests without ack and offsets without commit.
    const env = { CLICKTALLY_COMMIT_MAX_DELAY: "150ms" };
    const fromMs = Date.now();
    let cycles = 0;
    for (let attempt = 0; cycles < cycleCount; attempt++) {
      assert.ok(
        attempt < cycleCount * 3,
        `only ${cycles} of ${attempt} kills met requests and offsets in flight`,
      );
      const service = await ServiceProcess.start({ dataDir, env });
      const ackedBefore = load.acked;
      const running = load.run(service);
      await eventually("some batches are acked", () =>
        load.acked > ackedBefore ? true : undefined,
      );
      const killAtMs = performance.now() + random.between(0, 400);
      await eventually("the moment of the kill", () =>
        performance.now() >= killAtMs && load.inFlightCount > 0 ? true : undefined,
      );
      const unackedCount = load.inFlightCount;
      await service.kill();
      await running;
      if (unackedCount > 0 && (await uncommittedRecords(dataDir)) > 0) cycles++;
    }

    await using service = await ServiceProcess.start({ dataDir });
    await load.sendUnacked(service);
    await service.caughtUp();
    const range = `from=${fromMs - 60_000}&to=${Date.now() + 60_000}`;
    const { ads } = await service.get<{ ads: { ad_id: string; count: number }[] }>(
      `/v1/top?topN=1000&${range}`,
    );
    assert.deepEqual(
      new Map(ads.map(({ ad_id, count }) => [ad_id, count])),
      new Map([...load.sentByAd].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))),
    );
    const ledger = await service.get<{ balanced: boolean }>(`/v1/ledger?${range}`);
    assert.equal(ledger.balanced, true);
    const audit = await service.post<{ differing_rows: number }>(
      "/v1/admin/audit",
      "{}",
      "application/json",
    );
    assert.equal(audit.body.differing_rows, 0);
  });
});
