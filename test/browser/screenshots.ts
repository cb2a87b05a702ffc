/** `npm run screenshots`: a picture of every view, light and dark, and one as on a telephone, into docs/screenshots. */

import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as timeout } from "node:timers/promises";
import type { Browser, Page } from "playwright-core";
import { eventually } from "../support/eventually.ts";
import { launchBrowser, WatchedPage } from "./browser.ts";
import { Story, tellStory, Traffic } from "./story.ts";

const target = resolve(import.meta.dirname, "../../docs/screenshots");
const minuteMs = 60_000;
const storyMinutes = 125;
const clicksASecond = 60;
const ad = "ad-1003";
const zone = "tz=Europe%2FBerlin";

/** What is in a picture, and how to know that it is there. */
interface Picture {
  readonly name: string;
  readonly query: string;
  readonly ready: string;
  readonly prepare?: (page: Page) => Promise<void>;
  /** Pixels; default 800. */
  readonly height?: number;
}

const pictures = (lateMinute: string): readonly Picture[] => [
  {
    name: "live",
    height: 1020,
    query: `?${zone}`,
    ready: ".top .change-same, .top .change-up",
    prepare: async (page) => {
      // The rate needs some looks.
      await eventually("the rate has a line", async () => {
        const line = page.locator(".figure-beside .spark-line");
        const points = (await line.count()) > 0 ? await line.getAttribute("points") : "";
        return (points ?? "").split(" ").length >= 12 ? true : undefined;
      });
      await eventually("the lines are drawn", async () => {
        const points = await page.locator(".top .spark-line").first().getAttribute("points");
        const heights = new Set(points?.split(" ").map((point) => point.split(",")[1]));
        return heights.size > 3 ? true : undefined;
      });
    },
  },
  { name: "ad", query: `?view=ad&ad_id=${ad}&${zone}`, ready: ".breakdown .share" },
  {
    name: "explain",
    height: 620,
    query:
      `?view=ad&ad_id=${ad}&${zone}&explain=ad&explain_ad=${ad}` +
      `&explain_from=${lateMinute}&explain_to=${plusMinute(lateMinute)}`,
    ready: ".clicks tbody tr",
  },
  {
    name: "reports",
    query: `?view=reports&by=country,device&granularity=day&${zone}`,
    ready: ".report tbody tr",
  },
  { name: "restatements", query: `?view=corrections&window=6h&${zone}`, ready: "tbody .number" },
  {
    name: "quarantine",
    query: `?view=corrections&tab=quarantine&window=7d&${zone}`,
    ready: "tbody .time",
  },
];

function plusMinute(time: string): string {
  return new Date(Date.parse(time) + minuteMs).toISOString();
}

/** The start of the minute that was restated most. */
async function prepareStory(story: Story, traffic: Traffic): Promise<string> {
  await story.send("PUT", `/v1/ads/${ad}`, { campaign_id: "autumn-sale" });
  await tellStory(story, traffic, { minutes: storyMinutes, clicksASecond });
  // What it has measured of the hours that went by in seconds is of no hour that ever was.
  await story.kill();
  await story.launch();
  const nowMs = Date.now();
  const late = [12, 12, 12, 25, 25, 41].map((minutesAgo, i) => ({
    ad_id: ad,
    event_id: `phone-0${i + 1}`,
    click_timestamp: Math.floor((nowMs - minutesAgo * minuteMs) / minuteMs) * minuteMs + i * 60,
    country: "DE",
    device: "mobile",
    user_id: `user-${70 + i}`,
    ip: `10.0.0.${70 + i}`,
  }));
  await story.sendClicks(late);
  await story.sendClicks(late.slice(0, 2));
  await story.sendClicks(
    Array.from({ length: 7 }, (_, i) => ({
      ad_id: i < 5 ? "ad-1019" : "ad-1042",
      event_id: `tablet-0${i + 1}`,
      click_timestamp: nowMs - (30 * 60 + i * 17) * minuteMs,
      country: "FR",
      device: "tablet",
    })),
  );
  return new Date(Math.floor((nowMs - 12 * minuteMs) / minuteMs) * minuteMs).toISOString();
}

/** Clicks keep coming while pictures are taken, as they do; resolves when the signal is given. */
async function keepSending(story: Story, traffic: Traffic, signal: AbortSignal): Promise<void> {
  for (let fromMs = Date.now(); !signal.aborted;) {
    await timeout(200);
    const toMs = Date.now();
    const clickCount = Math.round(((toMs - fromMs) / 1000) * clicksASecond);
    await story.sendClicks(traffic.between(fromMs, toMs, clickCount));
    fromMs = toMs;
  }
}

async function take(
  browser: Browser,
  url: string,
  picture: Picture,
  look: { readonly suffix: string; readonly scheme: "light" | "dark"; readonly width: number },
): Promise<void> {
  await using watched = await WatchedPage.open(browser, url, {
    colorScheme: look.scheme,
    viewport: { width: look.width, height: look.width < 600 ? 780 : (picture.height ?? 800) },
  });
  const { page } = watched;
  await page.goto(`${url}/${picture.query}`);
  await page.locator(picture.ready).first().waitFor({ state: "attached" });
  await page.locator(".connection-open").waitFor();
  await page.locator(".health-item", { hasText: "clean" }).waitFor();
  await picture.prepare?.(page);
  await eventually("nothing is loading", async () =>
    (await page.locator(".skeleton").count()) === 0 ? true : undefined,
  );
  const path = join(target, `${picture.name}-${look.suffix}.png`);
  await page.screenshot({ path, animations: "disabled" });
  watched.assertClean();
  console.log(path);
}

await mkdir(target, { recursive: true });
await using story = await Story.begin(storyMinutes);
const traffic = new Traffic();
const lateMinute = await prepareStory(story, traffic);
const browser = await launchBrowser();
const over = new AbortController();
const sending = keepSending(story, traffic, over.signal);
try {
  for (const picture of pictures(lateMinute)) {
    for (const scheme of ["light", "dark"] as const)
      await take(browser, story.url, picture, { suffix: scheme, scheme, width: 1280 });
    await take(browser, story.url, picture, { suffix: "360", scheme: "light", width: 360 });
  }
} finally {
  over.abort();
  await sending;
  await browser.close();
}
