/** Debian's Chromium, headless, by playwright-core: a real browser, and nothing that is downloaded for it. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { chromium } from "playwright-core";

const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** What keeps a browser from running here, in one line; undefined where nothing does. Where it is required, nothing may. */
export function missingForBrowser(): string | undefined {
  if (existsSync(executablePath)) return undefined;
  const missing = `needs ${executablePath} (Debian's package chromium), or another one named by CHROMIUM`;
  assert.notEqual(process.env["TEST_REQUIRED"], "1", missing);
  return missing;
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A page that keeps account of what must not happen: errors, and requests to anybody but the service. */
export class WatchedPage implements AsyncDisposable {
  readonly page: Page;
  /** Console errors and what was thrown. Failed requests are noted only where the test lets the service be there. */
  readonly errors: string[] = [];
  readonly strangers: string[] = [];

  private constructor(page: Page, origin: string) {
    this.page = page;
    page.on("console", (message) => {
      if (message.type() === "error") this.errors.push(message.text());
    });
    page.on("pageerror", (error) => this.errors.push(String(error)));
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(origin) && !url.startsWith("blob:")) this.strangers.push(url);
    });
  }

  static async open(
    browser: Browser,
    origin: string,
    options: BrowserContextOptions = {},
  ): Promise<WatchedPage> {
    const context = await browser.newContext({
      timezoneId: "Europe/Berlin",
      locale: "en-US",
      viewport: { width: 1280, height: 860 },
      ...options,
    });
    return new WatchedPage(await context.newPage(), origin);
  }

  assertClean(): void {
    assert.deepEqual(this.errors, []);
    assert.deepEqual(this.strangers, []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close();
  }
}
