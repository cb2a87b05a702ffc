/** Tracked links, pixels and beacons on pages of another site, in a real browser. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Browser } from "playwright-core";
import { writeLink } from "../../src/tracker/write-link.ts";
import { newAd, RunningService } from "../api/running-service.ts";
import { eventually } from "../support/eventually.ts";
import { launchBrowser, missingForBrowser } from "./browser.ts";
import { SmallSite } from "./small-site.ts";

const skip = missingForBrowser() ?? false;
const secret = "a-secret-of-tests-that-is-long-enough";

describe("in a browser", { skip }, () => {
  let service: RunningService;
  let site: SmallSite;
  let browser: Browser;
  before(async () => {
    [service, site, browser] = await Promise.all([
      RunningService.start({ "tracker.secrets": secret }),
      SmallSite.open(),
      launchBrowser(),
    ]);
    site.pages.set("/landing", { content: "<title>landed</title>" });
  });
  after(async () => {
    await browser.close();
    await site[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
  });

  /** Of all that was sent before. */
  async function countOf(ad: string): Promise<unknown> {
    await service.assertLives();
    return (await service.get(`/v1/ads/${ad}/aggregated_count?window=5`)).body["count"];
  }

  const linkOf = (adId: string, to?: string): string =>
    writeLink({ adId, fields: {}, ...(to !== undefined && { to }) }, service.url, secret);

  it("a click on a tracked link lands, and counts once", async () => {
    const ad = newAd();
    site.pages.set("/links", { content: `<a href="${linkOf(ad, `${site.url}/landing`)}">go</a>` });
    const page = await browser.newPage();
    await page.goto(`${site.url}/links?private=1`);
    await page.click("a");
    await page.waitForURL(`${site.url}/landing`);
    assert.equal(await page.title(), "landed");
    assert.equal(site.visits.at(-1)?.referrer, `${site.url}/`);
    assert.equal(await countOf(ad), 1);
    await page.goBack();
    await page.goForward();
    assert.equal(await countOf(ad), 1);
    await page.close();
  });

  it("a tracked link that is prerendered counts when it is followed, and not before", async () => {
    const ad = newAd();
    const link = linkOf(ad, `${site.url}/landing`);
    const rules = JSON.stringify({ prerender: [{ urls: [link] }] });
    const speculation = `<script type="speculationrules">${rules}</script>`;
    site.pages.set("/ahead", { content: `<a href="${link}">go</a>${speculation}` });
    const page = await browser.newPage();
    await page.goto(`${site.url}/ahead`);
    await eventually("it was asked for ahead, and refused", async () => {
      const text = await (await fetch(`${service.url}/metrics`)).text();
      return /requests_total\{group="clicks",status="4xx"\} 1/.test(text) ? true : undefined;
    });
    assert.equal(await countOf(ad), 0);
    await page.click("a");
    await page.waitForURL(`${site.url}/landing`);
    assert.equal(await countOf(ad), 1);
    await page.close();
  });

  it("a pixel and beacons count, also while the page goes away", async () => {
    const [ad, pixelAd] = [newAd(), newAd()];
    const [address = "", query = ""] = linkOf(ad).replace(".gif", "").split("?");
    const script = `
      const [address, query] = ${JSON.stringify([address, query])};
      document.querySelector("button").onclick = () => {
        navigator.sendBeacon(address + "?" + query);
        navigator.sendBeacon(address, query);
        location.href = "/landing";
      };
      addEventListener("pagehide", () => navigator.sendBeacon(address, new URLSearchParams(query)));`;
    site.pages.set("/beacon", {
      content: `<img src="${linkOf(pixelAd)}"><button>go</button><script>${script}</script>`,
    });
    const page = await browser.newPage();
    await page.goto(`${site.url}/beacon`);
    assert.equal(
      await page.$eval("img", (image) => (image as { naturalWidth?: number }).naturalWidth),
      1,
    );
    await page.click("button");
    await page.waitForURL(`${site.url}/landing`);
    await eventually("all three are counted", async () =>
      (await countOf(ad)) === 3 ? true : undefined,
    );
    assert.equal(await countOf(pixelAd), 1);
    await page.close();
  });
});
