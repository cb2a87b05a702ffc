/** The dashboard and the pages about the API before a service that needs a key, in a real browser. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Browser } from "playwright-core";
import { createKey, revokeKey } from "../../src/access/manage-keys.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { launchBrowser, missingForBrowser, WatchedPage } from "./browser.ts";

const skip = missingForBrowser() ?? false;

describe("the dashboard of a service with keys", { skip }, () => {
  let resources: AsyncDisposableStack;
  let service: ServiceProcess;
  let browser: Browser;
  let keysFile: string;
  let ops: string;
  let report: string;
  before(async () => {
    resources = new AsyncDisposableStack();
    const dataDir = resources.use(await temporaryDirectory()).path;
    keysFile = join(dataDir, "keys.json");
    const nowMs = Date.now();
    ops = await createKey(keysFile, { name: "ops", scopes: ["admin"], nowMs });
    report = await createKey(keysFile, { name: "report", scopes: ["query"], nowMs });
    const env = { CLICKTALLY_LOG_LEVEL: "silent" };
    service = resources.use(await ServiceProcess.start({ dataDir, env }));
    browser = await launchBrowser();
    resources.defer(() => browser.close());
    const clicks = Array.from({ length: 50 }, (_, i) =>
      JSON.stringify({ ad_id: `ad-${i % 3}`, event_id: String(i), click_timestamp: nowMs }),
    );
    const sent = await fetch(`${service.url}/v1/clicks?wait=counted`, {
      method: "POST",
      body: clicks.join("\n"),
      headers: { "content-type": "application/x-ndjson", authorization: `Bearer ${ops}` },
    });
    assert.equal(sent.status, 200);
  });
  after(() => resources.disposeAsync());

  /** That the browser tells of a refused request is right. */
  const othersOf = ({ errors }: WatchedPage): string[] =>
    errors.filter((text) => !/status of 401/.test(text));

  it("asks for a key, says that one is wrong, and shows and follows all with a right one", async () => {
    await using watched = await WatchedPage.open(browser, service.url);
    const { page } = watched;
    await page.goto(`${service.url}/?tz=UTC`);
    const field = page.getByLabel("API key");
    await field.fill("ctk_wrong");
    await page.getByRole("button", { name: "Show the dashboard" }).click();
    await page.getByText("There is no such API key").waitFor();
    await page.getByLabel("API key").fill(report);
    await page.keyboard.press("Enter");
    await page.locator(".connection-open").waitFor();
    await page.locator(".top tbody tr").nth(2).waitFor();
    assert.equal(await page.locator(".figure-value").first().textContent(), "50");
    // It holds for this tab, also where the page is loaded anew, and for no other.
    await page.reload();
    await page.locator(".connection-open").waitFor();
    await page.goto(`${service.url}/?view=reports&by=ad_id&tz=UTC`);
    await page.locator(".report tbody tr").first().waitFor();
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: "CSV" }).first().click();
    assert.match((await saved).suggestedFilename(), /\.csv$/);
    await using other = await WatchedPage.open(browser, service.url);
    await other.page.goto(service.url);
    await other.page.getByLabel("API key").waitFor();
    assert.deepEqual([...othersOf(watched), ...watched.strangers], []);
  });

  it("changes nothing with a key for asking, and says so", async () => {
    await using watched = await WatchedPage.open(browser, service.url);
    const { page } = watched;
    await page.addInitScript(`sessionStorage.setItem("clicktally.key", ${JSON.stringify(report)})`);
    await page.goto(`${service.url}/?view=reports&tz=UTC`);
    await page.getByRole("button", { name: /^Close through/ }).click();
    const dialog = page.getByRole("dialog");
    await dialog.waitFor();
    await dialog.locator("button.primary, button.danger").first().click();
    await dialog.getByText("The API key is not for this").waitFor();
  });

  it("asks for another key once the one that it has is revoked, and forgets one where it is told to", async () => {
    const nowMs = Date.now();
    const short = await createKey(keysFile, { name: "short", scopes: ["query"], nowMs });
    await using watched = await WatchedPage.open(browser, service.url);
    const { page } = watched;
    await page.goto(service.url);
    await page.getByLabel("API key").fill(ops);
    await page.keyboard.press("Enter");
    await page.locator(".connection-open").waitFor();
    await page.getByRole("button", { name: "Forget the key" }).click();
    await page.getByLabel("API key").fill(short);
    await page.keyboard.press("Enter");
    await page.locator(".connection-open").waitFor();
    await revokeKey(keysFile, "short");
    await page.getByText("There is no such API key").waitFor();
    const passing = /status of 401|Failed to load resource|ERR_/;
    assert.deepEqual(
      watched.errors.filter((text) => !passing.test(text)),
      [],
    );
  });

  it("has pages about the API that work under their policy", async () => {
    await using watched = await WatchedPage.open(browser, service.url);
    const { page } = watched;
    await page.goto(`${service.url}/docs`);
    await page.getByText("Take in clicks").first().waitFor();
    await page
      .getByRole("button", { name: /Authorize/ })
      .first()
      .waitFor();
    assert.deepEqual(watched.strangers, []);
    assert.deepEqual(watched.errors, []);
  });
});
