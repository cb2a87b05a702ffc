/** The client of clicktally on pages, in a real browser. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { newAd, RunningService } from "../api/running-service.ts";
import { eventually } from "../support/eventually.ts";
import { launchBrowser, missingForBrowser } from "./browser.ts";
import { bundleClient } from "./client-bundle.ts";
import { SmallSite } from "./small-site.ts";

const skip = missingForBrowser() ?? false;
const gzipBytesMax = 4_500;

interface Outcomes {
  readonly counted: number;
  readonly duplicate: number;
}

describe("the client on a page", { skip }, () => {
  let service: RunningService;
  let browser: Browser;
  let bundle: string;
  before(async () => {
    [service, browser, bundle] = await Promise.all([
      RunningService.start(),
      launchBrowser(),
      bundleClient(),
    ]);
  });
  after(async () => {
    await browser.close();
    await service[Symbol.asyncDispose]();
  });

  /** A page that has the client, of the service's own site. */
  async function openPage(context: BrowserContext, options = ""): Promise<Page> {
    const page = await context.newPage();
    const script = `
      import { ClickClient } from "/client.js";
      window.told = [];
      window.client = new ClickClient({
        url: location.origin,
        onRejected: (click, error) => told.push(["rejected", click.event_id, error.code]),
        onLost: (click, reason) => told.push(["lost", click.event_id, reason]),
        onRetry: () => {},
        ${options}
      });`;
    const html = `<!doctype html><title>page</title><script type="module">${script}</script>`;
    await page.route("**/page", (route) => route.fulfill({ contentType: "text/html", body: html }));
    await page.route("**/left", (route) => route.fulfill({ contentType: "text/html", body: "" }));
    await page.route("**/client.js", (route) =>
      route.fulfill({ contentType: "text/javascript", body: bundle }),
    );
    await page.goto(`${service.url}/page`);
    return page;
  }

  async function outcomesOf(ad: string, of = service): Promise<Outcomes> {
    await of.assertLives();
    const { body } = await of.get(`/v1/ads/${ad}/explain?window=60&limit=1`);
    return body["outcomes"] as Outcomes;
  }

  async function counted(ad: string, count: number, of = service): Promise<Outcomes> {
    return await eventually(`${count} clicks are counted`, async () => {
      const outcomes = await outcomesOf(ad, of);
      return outcomes.counted === count ? outcomes : undefined;
    });
  }

  const clicks = (ad: string, count: number): string =>
    `for (let i = 0; i < ${count}; i++) client.click({ ad_id: "${ad}", user_id: "u" + i });`;
  const storedCount = (page: Page): Promise<unknown> => page.evaluate("localStorage.length");

  it(`is at most ${gzipBytesMax} bytes of it`, () => {
    const bytes = gzipSync(bundle).length;
    assert.ok(bytes <= gzipBytesMax, `${bytes} bytes`);
  });

  it("sends clicks, tells what is refused, and asks", async () => {
    const ad = newAd();
    const context = await browser.newContext();
    const page = await openPage(context);
    const told = await page.evaluate(
      `(async () => { ${clicks(ad, 120)} client.click({ ad_id: "", event_id: "bad" });
        await client.flush(); return told; })()`,
    );
    assert.deepEqual(told, [["rejected", "bad", "empty_field"]]);
    assert.equal(await storedCount(page), 0);
    assert.deepEqual(await outcomesOf(ad).then(({ counted: own }) => own), 120);
    const asked = await page.evaluate(
      `client.count("${ad}", { window: 5 }).then(({ count }) => count)`,
    );
    assert.equal(asked, 120);
    await context.close();
  });

  it("counts each once where requests and answers are lost on the way", async () => {
    const ad = newAd();
    const context = await browser.newContext();
    const page = await openPage(context, "batchClicks: 10, delayMs: 0,");
    let requests = 0;
    await page.route("**/v1/clicks", async (route) => {
      const turn = requests++ % 3;
      if (turn === 0) await route.abort();
      else if (turn === 1) await route.fetch().then(() => route.abort());
      else await route.continue();
    });
    await page.evaluate(`(async () => { ${clicks(ad, 60)} await client.flush(); })()`);
    const outcomes = await outcomesOf(ad);
    assert.equal(outcomes.counted, 60);
    assert.ok(outcomes.duplicate >= 10);
    assert.equal(await storedCount(page), 0);
    await context.close();
  });

  const leavings: readonly (readonly [how: string, first: string])[] = [
    ["", ""],
    [" also by a browser without keepalive", "delete Request.prototype.keepalive;"],
  ];
  for (const [how, first] of leavings) {
    it(`sends what waits when the page goes away, and once in all${how}`, async () => {
      const ad = newAd();
      const context = await browser.newContext();
      const page = await openPage(context, "delayMs: 3_600_000,");
      await page.evaluate(`${first} ${clicks(ad, 7)} location.href = "/left";`);
      await page.waitForURL("**/left");
      await counted(ad, 7);
      // Nobody was there to hear of it: the next page sends them again.
      await page.goto(`${service.url}/page`);
      await page.evaluate("client.flush()");
      assert.equal(await storedCount(page), 0);
      assert.equal((await outcomesOf(ad)).counted, 7);
      await context.close();
    });
  }

  it("sends from pages of another site too, where the settings name it", async () => {
    const ad = newAd();
    await using site = await SmallSite.open();
    await using open = await RunningService.start({ "cors.origins": site.url });
    site.pages.set("/client.js", { type: "text/javascript", content: bundle });
    site.pages.set("/left", { content: "" });
    const script = `
      import { ClickClient } from "/client.js";
      const options = { url: ${JSON.stringify(open.url)}, apiKey: "ctk_shown" };
      window.client = new ClickClient({ ...options, delayMs: 3_600_000 });`;
    site.pages.set("/page", { content: `<script type="module">${script}</script>` });
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${site.url}/page`);
    await page.evaluate(`(async () => { ${clicks(ad, 5)} await client.flush(); })()`);
    assert.equal((await outcomesOf(ad, open)).counted, 5);
    await page.evaluate(`${clicks(ad, 3)} location.href = "/left";`);
    await page.waitForURL("**/left");
    await counted(ad, 8, open);
    await context.close();
  });

  it("keeps clicks without a network for the next page, which sends them", async () => {
    const ad = newAd();
    const context = await browser.newContext();
    const page = await openPage(context);
    await context.setOffline(true);
    await page.evaluate(clicks(ad, 5));
    await page.close();
    await context.setOffline(false);
    const next = await openPage(context);
    await next.evaluate("client.flush()");
    assert.equal(await storedCount(next), 0);
    assert.equal((await outcomesOf(ad)).counted, 5);
    await context.close();
  });
});
