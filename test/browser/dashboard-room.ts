/** A browser before a service that has a story to tell, for a file of tests. */

import type { BrowserContextOptions, Browser } from "playwright-core";
import { launchBrowser, WatchedPage } from "./browser.ts";
import type { Json } from "./story.ts";
import { Story, tellStory, Traffic } from "./story.ts";

const minuteMs = 60_000;

/** What has happened to one ad beside the traffic of all others. */
export const lateAd = {
  id: "ad/late & more",
  /** In the minute that was final. */
  counted: 5,
  restated: 2,
  duplicates: 1,
} as const;

export class DashboardRoom implements AsyncDisposable {
  readonly story: Story;
  readonly traffic: Traffic;
  /** The start of the late ad's minute, RFC 3339. */
  readonly lateMinute: string;
  private readonly browser: Browser;

  private constructor(story: Story, traffic: Traffic, browser: Browser, lateMinute: string) {
    this.story = story;
    this.traffic = traffic;
    this.browser = browser;
    this.lateMinute = lateMinute;
  }

  /** `minutes` of traffic up to now. */
  static async open(minutes: number): Promise<DashboardRoom> {
    await using resources = new AsyncDisposableStack();
    const story = resources.use(await Story.begin(minutes));
    const traffic = new Traffic();
    const lateMinuteMs = Math.floor(Date.now() / minuteMs) * minuteMs - (minutes - 5) * minuteMs;
    const clicks = lateClicks(lateMinuteMs);
    await tellStory(story, traffic, {
      minutes,
      clicksASecond: 4,
      at: { timeMs: lateMinuteMs + minuteMs, clicks: clicks.slice(0, lateAd.counted) },
    });
    await story.sendClicks(clicks.slice(lateAd.counted));
    await story.sendClicks(clicks.slice(0, lateAd.duplicates));
    const browser = await launchBrowser();
    resources.defer(() => browser.close());
    resources.move();
    return new DashboardRoom(story, traffic, browser, new Date(lateMinuteMs).toISOString());
  }

  /** `query`: `?view=…` */
  async visit(query: string, options: BrowserContextOptions = {}): Promise<WatchedPage> {
    const watched = await this.newPage(options);
    await watched.page.goto(`${this.story.url}/${query}`);
    return watched;
  }

  /** One that shows nothing yet. */
  newPage(options: BrowserContextOptions = {}): Promise<WatchedPage> {
    return WatchedPage.open(this.browser, this.story.url, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close();
    await this.story[Symbol.asyncDispose]();
  }
}

function lateClicks(minuteStartMs: number): Json[] {
  return Array.from({ length: lateAd.counted + lateAd.restated }, (_, i) => ({
    ad_id: lateAd.id,
    event_id: `late-${i}`,
    click_timestamp: minuteStartMs + 1_000 + i,
    country: i % 2 === 0 ? "DE" : "FR",
    device: "mobile",
  }));
}
