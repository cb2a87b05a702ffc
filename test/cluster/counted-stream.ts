/** A stream of clicks that is sent to a service, and what must have come of it: counted in plain maps on the way. */
import type { Random } from "../../src/traffic/random.ts";
import type { StreamClick } from "../../src/traffic/click-stream.ts";
import { ClickStream } from "../../src/traffic/click-stream.ts";
import { eventually } from "../support/eventually.ts";
import type { ServiceProcess } from "../support/service-process.ts";

const batchSize = 2_000;
const duplicateShare = 0.05;
/** A duplicate repeats one of the last so many clicks. */
const recentCount = 10_000;
const takenWithinMs = 120_000;

export class CountedStream {
  /** Clicks that are not duplicates. */
  distinct = 0;
  readonly byAd = new Map<string, number>();
  /** Of clicks on mobile devices. */
  readonly mobileByCountry = new Map<string, number>();
  readonly byUser = new Map<string, number>();
  private readonly random: Random;
  private readonly clicks: ClickStream;
  private readonly recent: StreamClick[] = [];

  constructor(random: Random) {
    this.random = random;
    this.clicks = new ClickStream(random);
  }

  /** One batch after the other until so many were sent; what is refused, or not answered, is sent again. */
  async send(count: number, to: ServiceProcess, onBatch: () => Promise<void>): Promise<void> {
    for (let sent = 0; sent < count; sent += batchSize) {
      const body = this.batch();
      await eventually(
        "the batch is taken",
        async () => ((await to.post("/v1/clicks", body)).status === 200 ? true : undefined),
        takenWithinMs,
      );
      await onBatch();
    }
  }

  private batch(): string {
    let body = "";
    const nowMs = Date.now();
    for (let i = 0; i < batchSize; i++) body += `${JSON.stringify(this.next(nowMs))}\n`;
    return body;
  }

  private next(nowMs: number): StreamClick {
    const { random, recent } = this;
    if (recent.length === recentCount && random.chance(duplicateShare)) return random.pick(recent);
    const click = this.clicks.next(nowMs);
    recent[this.distinct++ % recentCount] = click;
    add(this.byAd, click.ad_id);
    add(this.byUser, click.user_id);
    if (click.device === "mobile") add(this.mobileByCountry, click.country);
    return click;
  }
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
