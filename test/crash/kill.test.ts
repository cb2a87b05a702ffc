import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TestContext } from "node:test";
import { Random } from "../../src/traffic/random.ts";
import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { patchedEnvironment } from "../support/source-patches.ts";
import type { SourcePatch } from "../support/source-patches.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import type { DeathPoint } from "./death-point.ts";
import { deathAt, frequentMaintenance } from "./death-point.ts";
import { deathPoints } from "./death-points.ts";
import { firstDeathPoints } from "./first-death-points.ts";
import { reconcile } from "./reconcile.ts";
import { Sender } from "./sender.ts";

/** Two histories are lived side by side, so that both cores have something to do. */
const partitionCounts = [1, 3];
const cycleCount = 200 / partitionCounts.length;
/** The others die at labelled points. */
const cyclesAtRandom = 50;
/** The books are compared after so many cycles, and in the end. */
const cyclesBetweenReconciliations = 25;
/** Where a labelled point is not met within this, the process is killed all the same. */
const meetMsMax = 30_000;
const seed = Number(process.env["TEST_SEED"] ?? Math.floor(Date.now() / 1000));

/** One life of the service: killed at a labelled point, or at a random moment. */
type Death = DeathPoint | "at random";

/** Every point as often as any other, in random order, between deaths at random. */
function planDeaths(random: Random): Death[] {
  const deaths: Death[] = Array.from({ length: cyclesAtRandom }, () => "at random");
  for (let i = 0; deaths.length < cycleCount; i++)
    deaths.push(deathPoints[i % deathPoints.length]!);
  return random.shuffle(deaths);
}

class KilledService {
  readonly hits = new Map<string, number>();
  readonly sender: Sender;
  private readonly dataDir: string;
  private readonly partitionCount: number;
  private readonly random: Random;
  private settingsChanges = 0;

  constructor(dataDir: string, partitionCount: number, random: Random) {
    this.dataDir = dataDir;
    this.partitionCount = partitionCount;
    this.random = random;
    this.sender = new Sender(random);
  }

  async live(death: Death): Promise<void> {
    if (death === "at random") await this.dieAtRandom();
    else await this.dieAt(death);
  }

  launch(patches: readonly SourcePatch[]): Promise<ServiceProcess> {
    const env = {
      // Old days have to be taken for the new tables they bring, and minutes to end while the test runs.
      CLICKTALLY_DEDUP_HORIZON: "90d",
      CLICKTALLY_WATERMARK_OUT_OF_ORDERNESS: "1s",
      CLICKTALLY_WATERMARK_ALLOWED_LATENESS: `${this.settingsChanges}ms`,
      CLICKTALLY_COMMIT_MAX_DELAY: "50ms",
      CLICKTALLY_QUEUE_PARTITIONS: String(this.partitionCount),
      ...patchedEnvironment([...frequentMaintenance, ...patches]),
    };
    return ServiceProcess.launch({ dataDir: this.dataDir, env });
  }

  private async dieAt(point: DeathPoint): Promise<void> {
    const { random, sender } = this;
    if (point.needs === "new settings") this.settingsChanges++;
    if (point.needs === "new day") sender.beginDay();
    const service = await this.launch([deathAt(point, random.between(1, point.passesMax))]);
    const sending = this.sendTo(service);
    if (point.needs === "stop") void this.someAcked().then(() => service.terminate());
    let wasMet = true;
    const tooLate = setTimeout(() => {
      wasMet = false;
      void service.kill();
    }, meetMsMax);
    const { code, signal } = await service.ended;
    clearTimeout(tooLate);
    assert.equal(signal, "SIGKILL", `at "${point.label}" it ended with ${code}: ${service.stderr}`);
    await sending;
    if (wasMet) this.hits.set(point.label, (this.hits.get(point.label) ?? 0) + 1);
  }

  /** A tenth on the way up, a tenth on the way down, the others under load. */
  private async dieAtRandom(): Promise<void> {
    const { random } = this;
    const service = await this.launch([]);
    const kind = random.unit();
    const sending = this.sendTo(service);
    if (kind >= 0.1) await Promise.race([this.someAcked(), sending]);
    if (kind >= 0.9) service.terminate();
    const killAtMs = performance.now() + random.between(0, 500);
    await eventually("the moment of the kill", () =>
      performance.now() >= killAtMs ? true : undefined,
    );
    await service.kill();
    await sending;
  }

  /** As soon as it is ready and until it is gone; one that is killed on its way up is sent nothing. */
  private async sendTo(service: ServiceProcess): Promise<void> {
    const isReady = await service.ready().then(
      () => true,
      () => false,
    );
    if (isReady) return await this.sender.run(service);
    const { code, signal } = await service.ended;
    assert.equal(signal, "SIGKILL", `it ended with ${code}: ${service.stderr}`);
  }

  private async someAcked(): Promise<void> {
    const before = this.sender.ackedClicks;
    await eventually("some batches are acked", () =>
      this.sender.ackedClicks > before ? true : undefined,
    );
  }
}

async function withSeed(context: TestContext, work: (random: Random) => Promise<void>) {
  try {
    await work(new Random(seed));
  } catch (error) {
    context.diagnostic(`TEST_SEED=${seed} makes the same choices again`);
    throw error;
  }
}

describe("kill -9 of the service under load", { concurrency: partitionCounts.length }, () => {
  for (const partitionCount of partitionCounts) {
    it(`loses nothing and counts nothing twice over ${cycleCount} cycles with ${partitionCount} partitions`, async (t) => {
      await withSeed(t, async (random) => {
        await using directory = await temporaryDirectory();
        const killed = new KilledService(directory.path, partitionCount, random);
        const { sender, hits } = killed;
        const deaths = planDeaths(random);
        const reconcileNow = async (): Promise<void> => {
          await using service = await killed.launch([]);
          await service.ready();
          await sender.sendUnacked(service);
          await reconcile(service, sender);
        };
        for (const [i, death] of deaths.entries()) {
          await killed.live(death);
          if ((i + 1) % cyclesBetweenReconciliations === 0) await reconcileNow();
        }
        // A life that was too short for the pass that was drawn for it: another one, with another draw.
        const unmet = deathPoints.filter(({ label }) => !hits.has(label));
        for (const point of unmet) {
          t.diagnostic(`"${point.label}" was not met within ${meetMsMax} ms, it is tried again`);
          await killed.live(point);
        }
        if (unmet.length > 0) await reconcileNow();
        const hitCount = [...hits.values()].reduce((sum, count) => sum + count, 0);
        t.diagnostic(
          `${deaths.length} cycles, ${hitCount} at ${hits.size} labelled points, ` +
            `${sender.ackedClicks} clicks acked, ${sender.ackedAgainClicks} of them again: 0 lost, 0 twice`,
        );
        const missed = deathPoints.filter(({ label }) => !hits.has(label));
        assert.deepEqual(
          missed.map(({ label }) => label),
          [],
        );
      });
    });
  }

  it("begins again where it died while it made its data directory", async (t) => {
    await withSeed(t, async (random) => {
      for (const point of firstDeathPoints) {
        await using directory = await temporaryDirectory();
        const killed = new KilledService(directory.path, 1, random);
        await killed.live(point);
        assert.equal(killed.hits.size, 1, `"${point.label}" was not met`);
        await using service = await killed.launch([]);
        await service.ready();
        await killed.sender.sendClicks(service, 1_000);
        await reconcile(service, killed.sender);
      }
    });
  });
});
