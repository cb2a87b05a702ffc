/** Those who use the service beside the load: a probe of freshness, and a dashboard. */
import { setTimeout as delay } from "node:timers/promises";
import type { Clicktally } from "../service.ts";

const probeEveryMs = 200;
const dashboardEveryMs = 1_000;
export const probeAd = "soak-probe";
/** One of the ads with the most clicks. */
const dashboardAd = "ad-100000";

/** Does one thing again and again until it is stopped, and takes its times. */
class Visitor {
  private times: number[] = [];
  private isStopped = false;

  /** Rejects where `visit` does. */
  async run(everyMs: number, visit: () => Promise<void>): Promise<void> {
    while (!this.isStopped) {
      const startMs = performance.now();
      await visit();
      const tookMs = performance.now() - startMs;
      this.times.push(tookMs);
      await delay(Math.max(0, everyMs - tookMs));
    }
  }

  /** Ends `run` after the visit in hand. */
  stop(): void {
    this.isStopped = true;
  }

  /** Milliseconds of each visit since the last call. */
  take(): readonly number[] {
    const { times } = this;
    this.times = [];
    return times;
  }
}

/** Sends single clicks and waits for each to be counted: its times are what freshness is. */
export class FreshnessProbe extends Visitor {
  clicks = 0;
  refusals = 0;

  probe(service: Clicktally): Promise<void> {
    return this.run(probeEveryMs, async () => {
      const event_id = `probe-${this.clicks + this.refusals}`;
      const response = await fetch(`${service.insertUrl}?wait=counted`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ ad_id: probeAd, click_timestamp: Date.now(), event_id }),
      });
      const text = await response.text();
      // 202: acknowledged, but not counted within the service's patience, which the time shows.
      if (response.ok) this.clicks++;
      else if (response.status === 503) this.refusals++;
      else throw new Error(`probe: ${response.status} ${text}`);
    });
  }
}

/** Asks what a page with the count of an ad and the top list asks. */
export class Dashboard extends Visitor {
  look(service: Clicktally): Promise<void> {
    return this.run(dashboardEveryMs, async () => {
      await service.get(`/v1/ads/${dashboardAd}/aggregated_count?window=60`);
      await service.get("/v1/ads/popular_ads?topN=100&window=60");
    });
  }
}
