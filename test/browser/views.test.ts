/** What the dashboard shows is what the API says, in a real browser before the real service. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import type { Locator, Page } from "playwright-core";
import { eventually } from "../support/eventually.ts";
import { missingForBrowser } from "./browser.ts";
import { DashboardRoom, lateAd } from "./dashboard-room.ts";
import type { Json } from "./story.ts";

const skip = missingForBrowser() ?? false;
const minuteMs = 60_000;

describe("the dashboard", { skip }, () => {
  let room: DashboardRoom;
  before(async () => {
    room = await DashboardRoom.open(30);
  });
  after(() => room[Symbol.asyncDispose]());

  const rowsOf = async (path: string): Promise<readonly Json[]> =>
    (await room.story.get<{ rows: readonly Json[] }>(path)).rows;
  const lateQuery = (view: string) =>
    `?view=${view}&ad_id=${encodeURIComponent(lateAd.id)}&tz=UTC` +
    `&from=${room.lateMinute}&to=${new Date(Date.parse(room.lateMinute) + 5 * minuteMs).toISOString()}`;

  it("shows the totals, the rate and the ranking, and what comes as it comes", async () => {
    await using watched = await room.visit("?tz=UTC");
    const { page } = watched;
    const newcomer = "ad-newcomer";
    await page.locator(".top tbody tr").first().waitFor();
    await assertRanking(page, await rankingOf(room));
    const counted = numberIn(await page.locator(".figure-value").first().textContent());
    const clicks = Array.from({ length: 2_000 }, (_, i) => ({
      ad_id: newcomer,
      event_id: `n${i}`,
      click_timestamp: Date.now(),
    }));
    await room.story.sendClicks(clicks.slice(0, 1_500));
    await page.locator(".top tbody tr", { hasText: newcomer }).waitFor();
    const total = await eventually("the total has grown", async () => {
      const now = numberIn(await page.locator(".figure-value").first().textContent());
      return now > counted ? now : undefined;
    });
    assert.equal(total, counted + 1_500);
    let sent = 1_500;
    await eventually("the rate is told", async () => {
      await room.story.sendClicks(clicks.slice(sent, ++sent));
      const rate = await page.locator(".figure-value").nth(1).textContent();
      return numberIn(rate) > 0 || undefined;
    });
    const ranking = await rankingOf(room);
    await assertRanking(page, ranking);
    watched.assertClean();
  });

  it("offers the values of a field, and shows the numbers under the filter that is picked", async () => {
    await using watched = await room.visit("?tz=UTC");
    const { page } = watched;
    await page.getByRole("button", { name: "+ Filter" }).click();
    const offered = page.locator(".value-name");
    await offered.first().waitFor();
    const expected = await rowsOf("/v1/breakdown?by=country&order=count&window=60m");
    const names = expected.map(({ country }) => country).filter((country) => country !== null);
    assert.deepEqual(await offered.allTextContents(), names);
    await page.getByRole("checkbox", { name: /^DE/ }).check();
    await page.getByRole("checkbox", { name: /^FR/ }).check();
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByText("country is DE or FR").waitFor();
    assert.equal(new URL(page.url()).searchParams.get("filter"), "country=in=(DE,FR)");
    const filter = "filter=country=in=(DE,FR)";
    await eventually("the numbers are those of the API", async () => {
      const [all] = await rowsOf(`/v1/breakdown?window=60m&${filter}`);
      const shown = await page.locator(".figure-value").nth(2).textContent();
      return numberIn(shown) === all!["count"] || undefined;
    });
    await eventually("the ranking is that of the API", async () =>
      sameRanking(page, await rankingOf(room, filter)),
    );
    await page.getByRole("button", { name: "Remove: country is DE or FR" }).click();
    await eventually("the ranking is that of all", async () =>
      sameRanking(page, await rankingOf(room)),
    );
    watched.assertClean();
  });

  it("has its window, range and zone in the address, and goes back", async () => {
    await using watched = await room.visit("?tz=UTC");
    const { page } = watched;
    await page.getByRole("button", { name: "15 min" }).click();
    await page.waitForURL(/window=15m/);
    await page.getByRole("combobox", { name: "Zone" }).selectOption("Asia/Tokyo");
    await page.waitForURL(/tz=Asia%2FTokyo/);
    await page.getByRole("button", { name: "From – to" }).click();
    await page.getByLabel("From", { exact: true }).fill("2026-11-20T10:00");
    await page.getByLabel("To, exclusive").fill("2026-11-20T11:30");
    await page.getByRole("button", { name: "Show" }).click();
    await page.getByText("2026-11-20 10:00 – 11:30").first().waitFor();
    const parameters = new URL(page.url()).searchParams;
    assert.equal(parameters.get("from"), "2026-11-20T01:00:00Z");
    assert.equal(parameters.get("to"), "2026-11-20T02:30:00Z");
    await page.getByText("No clicks in this time").waitFor();
    await page.goBack();
    await page.locator(".top tbody tr").first().waitFor();
    assert.match(page.url(), /window=15m/);
    watched.assertClean();
  });

  it("marks a restated minute of an ad, and draws what is provisional as such", async () => {
    await using watched = await room.visit(lateQuery("ad"));
    const { page } = watched;
    await page.getByText("Every minute as a table").click();
    const row = page.locator(".points tbody tr", { hasText: "restated" });
    await row.waitFor();
    const [text, ...others] = await row.allTextContents();
    assert.deepEqual(others, []);
    const time = `${room.lateMinute.slice(0, 10)} ${room.lateMinute.slice(11, 16)}`;
    assert.equal(text, `${time}${lateAd.counted + lateAd.restated}restated r1`);
    assert.deepEqual(await page.locator(".legend-item").allTextContents(), ["final", "restated"]);
    assert.ok(await hasPixels(page, "restated"), "a bar in the colour of what was restated");
    assert.ok(await hasPixels(page, "restated-mark"), "a mark above it");
    // Its journal stands below.
    const entry = page.locator("tbody tr", { hasText: "came late" });
    assert.match((await entry.textContent())!, /5.*7.*\+2.*came late/);
    await page.getByRole("button", { name: "15 min" }).click();
    await page.locator(".legend-item", { hasText: "provisional" }).waitFor();
    watched.assertClean();
  });

  it("explains a number by its clicks, which sum up to it", async () => {
    await using watched = await room.visit(lateQuery("ad"));
    const { page } = watched;
    await page.getByRole("button", { name: /^7 clicks, ad\/late & more: explain/ }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("The clicks behind 7").waitFor();
    const sum = await dialog.locator(".sum-line").textContent();
    assert.equal(sum?.replaceAll(/\s+/g, " "), "5 counted + 2 restated = 7");
    assert.match((await dialog.locator(".sum-others").textContent())!, /1 duplicate$/);
    const outcomes = await dialog.locator("tbody .outcome").allTextContents();
    const tally = (name: string) => outcomes.filter((outcome) => outcome === name).length;
    assert.deepEqual(["counted", "restated", "duplicate"].map(tally), [5, 2, 1]);
    assert.match((await dialog.locator(".original").textContent())!, /^of one received .*counted$/);
    // Linked to, it opens there as well; Escape closes it, and the way back opens it again.
    const url = page.url();
    await page.reload();
    await dialog.getByText("The clicks behind 7").waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await page.goBack();
    await dialog.getByText("The clicks behind 7").waitFor();
    assert.equal(page.url(), url);
    watched.assertClean();
  });

  it("explains a number of many ads by the ads, and each of them by its clicks", async () => {
    await using watched = await room.visit("?view=reports&by=country&tz=UTC");
    const { page } = watched;
    const [first] = await rowsOf(reportPath("by=country"));
    await page.locator(".report tbody .count").first().click();
    const dialog = page.getByRole("dialog");
    const title = `The ads behind ${grouped(first!["count"])} clicks`;
    await dialog.getByText(title).waitFor();
    await dialog.locator("tbody .number").first().waitFor();
    const counts = await dialog.locator("tbody .number, tfoot .number").allTextContents();
    const sum = counts.reduce((total, text) => total + numberIn(text), 0);
    assert.equal(sum, first!["count"]);
    await dialog.locator("tbody .count").first().click();
    await dialog.getByText(`The clicks behind ${counts[0]}`).waitFor();
    watched.assertClean();
  });

  it("reports what the API does, and saves it as the API's CSV", async () => {
    await using watched = await room.visit("?view=reports&tz=UTC");
    const { page } = watched;
    await page.getByLabel("Time of a row").selectOption("hour");
    await page.getByLabel("Field 1").selectOption("country");
    await page.getByLabel("Field 2").selectOption("device");
    const path = reportPath("by=country,device&granularity=hour&tz=UTC");
    const expected = await rowsOf(path);
    await eventually("all rows are there", async () => {
      const rows = await page.locator(".report tbody tr").count();
      return rows === Math.min(200, expected.length) || undefined;
    });
    const cells = await cellsOf(page.locator(".report tbody tr").first());
    const { start, country, device, count } = expected[0]!;
    const time = String(start).replace("T", " ").slice(0, 16);
    assert.deepEqual(cells, [time, country ?? "missing", device ?? "missing", grouped(count)]);
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: "CSV", exact: true }).click();
    const download = await saved;
    assert.match(download.suggestedFilename(), /^report-\d{4}-\d\d-\d\d-.*\.csv$/);
    const response = await fetch(room.story.url + path, { headers: { accept: "text/csv" } });
    assert.equal(await readFile(await download.path(), "utf8"), await response.text());
    watched.assertClean();
  });

  it("lists restatements, and releases what is in quarantine", async () => {
    const at = Date.now() - 30 * 60 * minuteMs;
    const quarantined = [0, 1, 2].map((i) => ({
      ad_id: "ad-forgotten",
      event_id: `f${i}`,
      click_timestamp: at + i,
    }));
    await room.story.sendClicks(quarantined);
    await using watched = await room.visit("?view=corrections&window=7d&tz=UTC");
    const { page } = watched;
    const journal = await rowsOf("/v1/restatements?window=7d");
    await page.locator("tbody tr").first().waitFor();
    assert.equal(await page.locator("tbody tr").count(), journal.length);
    await page.getByRole("link", { name: "Quarantine" }).click();
    await page.locator("tbody tr").nth(2).waitFor();
    await page.getByRole("button", { name: "Release …" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel(/^Why/).fill("the phones were off");
    await dialog.getByRole("button", { name: "Release", exact: true }).click();
    await page.getByText("3 released.").waitFor();
    await page.getByText("Nothing is in quarantine in this time").waitFor();
    const { rows } = await room.story.get<{ rows: readonly Json[] }>(
      `/v1/breakdown?by=ad_id&window=7d&filter=ad_id==ad-forgotten`,
    );
    assert.deepEqual(rows, [{ ad_id: "ad-forgotten", count: 3 }]);
    watched.assertClean();
  });

  it("says what it waits for, that there is nothing, and what went wrong", async () => {
    await using waiting = await room.newPage();
    const held = Promise.withResolvers<void>();
    await waiting.page.route(/aggregated_count/, async (route) => {
      await held.promise;
      await route.continue();
    });
    await waiting.page.goto(`${room.story.url}/${lateQuery("ad")}`);
    await waiting.page.getByText("Loading the series of the ad …").waitFor({ state: "attached" });
    held.resolve();
    await waiting.page.locator(".headline").waitFor();
    await using empty = await room.visit("?filter=country==ZZ");
    await empty.page.getByText("No clicks fit the filter in this time").waitFor();
    empty.assertClean();
    await using wrong = await room.visit("?filter=colour==red");
    await wrong.page.getByRole("alert").first().waitFor();
    const alert = await wrong.page.getByRole("alert").first().textContent();
    assert.match(alert!, /There is no such dimension.*country.*device/);
    assert.match((await wrong.page.locator(".connection").textContent())!, /Not live/);
  });

  // The last: what is closed takes no more changes.
  it("closes a period once that is confirmed, and says why where it can't", async () => {
    await using watched = await room.visit("?view=reports&tz=UTC");
    const { page } = watched;
    const closeFor = async (): Promise<Locator> => {
      await page.getByRole("button", { name: /^Close through/ }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByRole("button", { name: "Close for good" }).click();
      return dialog;
    };
    const refused = await closeFor();
    await refused.getByText("The period is not final yet").waitFor();
    await refused.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("combobox", { name: "Period" }).selectOption("yesterday");
    await closeFor();
    await page.getByText("This period is closed.").waitFor();
    const { closed_through } = await room.story.get("/v1/closes");
    const today = new Date().toISOString().slice(0, 10);
    assert.equal(closed_through, `${today}T00:00:00Z`);
    // The browser tells of every 4xx by itself.
    assert.match(watched.errors.join("\n"), /^Failed to load resource.*409.*$/);
  });
});

/** Of today, as the reports begin. */
function reportPath(parameters: string): string {
  const day = new Date().toISOString().slice(0, 10);
  const next = new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);
  return `/v1/breakdown?from=${day}T00:00:00Z&to=${next}T00:00:00Z&limit=100000&${parameters}`;
}

async function rankingOf(room: DashboardRoom, filter = ""): Promise<string[]> {
  const path = `/v1/top?window=60m&topN=10${filter === "" ? "" : `&${filter}`}`;
  const { ads } = await room.story.get<{ ads: readonly Json[] }>(path);
  return ads.map(({ ad_id, count }) => `${String(ad_id)} ${String(count)}`);
}

async function shownRanking(page: Page): Promise<string[]> {
  const ads = await page.locator(".top tbody .ad").allTextContents();
  const counts = await page.locator(".top tbody .count").allTextContents();
  return ads.map((ad, i) => `${ad} ${numberIn(counts[i] ?? "")}`);
}

async function sameRanking(page: Page, expected: readonly string[]): Promise<true | undefined> {
  return (await shownRanking(page)).join() === expected.join() || undefined;
}

async function assertRanking(page: Page, expected: readonly string[]): Promise<void> {
  await eventually("the ranking is told", () => sameRanking(page, expected), 5_000).catch(
    async () => assert.deepEqual(await shownRanking(page), expected),
  );
}

function numberIn(text: string | null): number {
  return Number(text?.replaceAll(",", "") ?? Number.NaN);
}

function grouped(count: unknown): string {
  return Number(count).toLocaleString("en");
}

function cellsOf(row: Locator): Promise<string[]> {
  return row.locator("th, td").allTextContents();
}

/** Whether the chart has pixels in the colour of this name. */
async function hasPixels(page: Page, color: string): Promise<boolean> {
  return await page.evaluate(`(() => {
    const canvas = document.querySelector(".chart canvas");
    const hex = getComputedStyle(canvas).getPropertyValue("--${color}").trim();
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    for (let i = 0; i < data.length; i += 4)
      if (data[i] === r && data[i + 1] === g && data[i + 2] === b && data[i + 3] === 255) return true;
    return false;
  })()`);
}
