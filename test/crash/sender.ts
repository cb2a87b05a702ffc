/**
 * A client that keeps books: it sends batches without a pause, sends again what was not acked until it is, sends some
 * acked ones again on purpose, and knows in the end what must have been counted.
 */
import assert from "node:assert/strict";
import type { Random } from "../../src/traffic/random.ts";
import { eventually } from "../support/eventually.ts";
import type { ServiceProcess } from "../support/service-process.ts";

const batchSize = 30;
const senderCount = 6;
const adCount = 50;
const dayMs = 86_400_000;
/** Of the batches that were acked, these many newest may be sent again. */
const ackedKept = 200;

interface Batch {
  /** Also the `user_id` of its clicks, so that what became of each batch can be asked. */
  readonly name: string;
  readonly body: string;
}

export class Sender {
  /** Clicks by ad and by batch, each once however often it was sent. */
  readonly sentByAd = new Map<string, number>();
  readonly sentByBatch = new Map<string, number>();
  readonly fromMs: number;
  ackedClicks = 0;
  /** Clicks of batches that were acked, and acked again. */
  ackedAgainClicks = 0;
  /** Bodies that a full queue refused, each with a Retry-After. */
  refusedBodies = 0;
  private readonly random: Random;
  private readonly waitShare: number;
  private readonly acked: Batch[] = [];
  private unacked: Batch[] = [];
  private inFlight = 0;
  private daysBack = 0;
  private stopping = false;

  /** Of the bodies, the share `waitShare` waits until it is counted. */
  constructor(random: Random, waitShare = 0.5) {
    this.random = random;
    this.waitShare = waitShare;
    this.fromMs = Date.now();
  }

  get inFlightCount(): number {
    return this.inFlight;
  }

  /** The next batch is of a day that no click was of so far. */
  beginDay(): void {
    this.daysBack++;
    this.unacked.push(this.newBatch(this.daysBack * dayMs));
  }

  /** The earliest event time of any click is not before this. */
  get earliestMs(): number {
    return this.fromMs - (this.daysBack + 1) * dayMs;
  }

  /** Until the service is gone, the queue is full or `stop` was called. */
  async run(service: ServiceProcess): Promise<void> {
    this.stopping = false;
    await Promise.all(Array.from({ length: senderCount }, () => this.sendOnAndOn(service)));
  }

  stop(): void {
    this.stopping = true;
  }

  /** Sends until so many more clicks are acked. */
  async sendClicks(service: ServiceProcess, clicks: number): Promise<void> {
    const enough = this.ackedClicks + clicks;
    const sending = this.run(service);
    await eventually(`${clicks} clicks are acked`, () =>
      this.ackedClicks >= enough ? true : undefined,
    );
    this.stop();
    await sending;
  }

  /** Until everything is acked. */
  async sendUnacked(service: ServiceProcess): Promise<void> {
    for (const batch of this.unacked.splice(0))
      assert.ok(await this.send(service, batch), `${batch.name} was not acked`);
  }

  private async sendOnAndOn(service: ServiceProcess): Promise<void> {
    while (!this.stopping) {
      if (this.acked.length > 0 && this.random.chance(0.1)) {
        const again = this.random.pick(this.acked);
        if (!(await this.post(service, again))) return;
        this.ackedAgainClicks += batchSize;
        continue;
      }
      if (!(await this.send(service, this.unacked.pop() ?? this.newBatch()))) return;
    }
  }

  private async send(service: ServiceProcess, batch: Batch): Promise<boolean> {
    if (!(await this.post(service, batch))) {
      // Whether it was taken is not known: it is sent again, as any client would.
      this.unacked.push(batch);
      return false;
    }
    this.ackedClicks += batchSize;
    this.acked.push(batch);
    if (this.acked.length > ackedKept) this.acked.shift();
    return true;
  }

  /** False where there was no ack: the service died, or said that it is stopping or that the queue is full. */
  private async post(service: ServiceProcess, { body }: Batch): Promise<boolean> {
    this.inFlight++;
    const wait = this.random.chance(this.waitShare) ? "?wait=counted" : "";
    const answer = await service
      .post<{ code?: string }>(`/v1/clicks${wait}`, body)
      .catch(() => undefined);
    this.inFlight--;
    if (answer === undefined || answer.body.code === "not_ready") return false;
    if (answer.body.code === "queue_full") {
      assert.equal(answer.status, 503);
      assert.equal(answer.headers.get("retry-after"), "10");
      this.refusedBodies++;
      return false;
    }
    assert.ok(answer.status === 200 || answer.status === 202, JSON.stringify(answer));
    return true;
  }

  private newBatch(ageMs?: number): Batch {
    const { random } = this;
    const name = `batch-${this.sentByBatch.size}`;
    // Some come minutes late, so that there are minutes to compact and to restate.
    const age = ageMs ?? (random.chance(0.2) ? random.below(10) * 60_000 : 0);
    const lines: string[] = [];
    for (let i = 0; i < batchSize; i++) {
      const adId = `ad-${random.below(adCount)}`;
      this.sentByAd.set(adId, (this.sentByAd.get(adId) ?? 0) + 1);
      const click = {
        ad_id: adId,
        click_timestamp: Date.now() - age,
        event_id: random.uuid(),
        user_id: name,
        country: random.pick(["DE", "US", "BR"]),
      };
      lines.push(JSON.stringify(click));
    }
    this.sentByBatch.set(name, batchSize);
    return { name, body: lines.join("\n") };
  }
}
