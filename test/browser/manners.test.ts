/** How the dashboard behaves to everybody: keyboard, screen readers, small screens, slow lines, and a service that goes away. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { eventually } from "../support/eventually.ts";
import { missingForBrowser } from "./browser.ts";
import { DashboardRoom, lateAd } from "./dashboard-room.ts";

const skip = missingForBrowser() ?? false;
const firstLoadBytesMax = 100 * 1024;

describe("the dashboard", { skip }, () => {
  let room: DashboardRoom;
  /** A query of every view, and what is there once it is whole. */
  let views: readonly (readonly [name: string, query: string, whole: string])[];
  before(async () => {
    room = await DashboardRoom.open(12);
    const ad = `ad_id=${encodeURIComponent(lateAd.id)}`;
    const end = new Date(Date.parse(room.lateMinute) + 60_000).toISOString();
    const explain =
      `explain=ad&explain_ad=${encodeURIComponent(lateAd.id)}` +
      `&explain_from=${room.lateMinute}&explain_to=${end}`;
    views = [
      ["live", "?tz=UTC", ".top tbody tr"],
      ["ad", `?view=ad&${ad}&tz=UTC`, ".breakdown tbody tr"],
      ["explain", `?view=ad&${ad}&${explain}&tz=UTC`, ".clicks tbody tr"],
      ["reports", "?view=reports&by=country&granularity=day&tz=UTC", ".report tbody tr"],
      ["restatements", "?view=corrections&tz=UTC", "main tbody tr"],
      ["quarantine", "?view=corrections&tab=quarantine&tz=UTC", ".state"],
    ];
  });
  after(() => room[Symbol.asyncDispose]());

  it("has no serious fault that axe finds, in any view, light and dark", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      for (const [name, query, whole] of views) {
        await using watched = await room.visit(query, { colorScheme });
        await watched.page.locator(whole).first().waitFor();
        assert.deepEqual(await seriousFaults(watched.page), [], `${name}, ${colorScheme}`);
        watched.assertClean();
      }
    }
  });

  it("has none either where a form is open", async () => {
    await using watched = await room.visit("?tz=UTC");
    const { page } = watched;
    await page.getByRole("button", { name: "+ Filter" }).click();
    await page.locator(".value-name").first().waitFor();
    await page.getByText("As text (RSQL)").click();
    assert.deepEqual(await seriousFaults(page), []);
    await page.goto(`${room.story.url}/?view=reports&tz=UTC`);
    await page.getByRole("button", { name: /^Close through/ }).click();
    await page.getByRole("dialog").waitFor();
    assert.deepEqual(await seriousFaults(page), []);
    watched.assertClean();
  });

  it("is used by keyboard: skipped into, filtered, explained, and left again", async () => {
    await using watched = await room.visit("?tz=UTC");
    const { page } = watched;
    await page.locator(".top tbody tr").first().waitFor();
    await page.keyboard.press("Tab");
    assert.equal(await focused(page), "Skip to the content");
    await page.getByRole("button", { name: "+ Filter" }).focus();
    await page.keyboard.press("Enter");
    await eventually("the form has the focus", async () =>
      (await focused(page)).startsWith("country") ? true : undefined,
    );
    await page.keyboard.press("Escape");
    assert.equal(await focused(page), "+ Filter");
    await page.locator(".top tbody .count").first().focus();
    const number = await focused(page);
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.getByText("The clicks behind").waitFor();
    // What is behind the drawer can't be reached while it is open.
    const places = new Set<string>();
    for (let i = 0; i < 12; i++) {
      await page.keyboard.press("Tab");
      places.add(await inDialog(page));
    }
    assert.deepEqual(
      [...places].filter((place) => place === "outside"),
      [],
    );
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    assert.ok(number.length > 0);
    watched.assertClean();
  });

  it("fits into 360 pixels in every view", async () => {
    for (const [name, query, whole] of views) {
      await using watched = await room.visit(query, { viewport: { width: 360, height: 740 } });
      await watched.page.locator(whole).first().waitFor();
      const width = await watched.page.evaluate("document.documentElement.scrollWidth");
      assert.equal(width, 360, name);
    }
    for (const width of [360, 700, 1_000]) {
      await using watched = await room.visit("?tz=UTC", { viewport: { width, height: 740 } });
      const { page } = watched;
      await page.getByRole("button", { name: "+ Filter" }).click();
      await page.locator(".value-name").first().waitFor();
      const box = (await page.locator(".popover").boundingBox())!;
      assert.ok(box.x >= 0 && box.x + box.width <= width, `${box.x} to ${box.x + box.width}`);
    }
  });

  it("loads little at first, and nothing from anybody else", async () => {
    await using watched = await room.newPage();
    const { page } = watched;
    const loaded: string[] = [];
    page.on("response", (response) => {
      const type = response.request().resourceType();
      if (["document", "script", "stylesheet", "image", "font"].includes(type))
        loaded.push(response.url());
    });
    await page.goto(`${room.story.url}/?tz=UTC`);
    await page.locator(".top tbody tr").first().waitFor();
    let bytes = 0;
    for (const url of loaded) {
      const response = await fetch(url, {
        method: "HEAD",
        headers: { "accept-encoding": "gzip" },
      });
      bytes += Number(response.headers.get("content-length"));
    }
    assert.ok(loaded.length >= 3, loaded.join());
    assert.ok(bytes > 10_000 && bytes <= firstLoadBytesMax, `${bytes} bytes`);
    watched.assertClean();
  });

  // The last: the service dies on the way.
  it("comes back by itself after the service was killed, and goes on with what is new", async () => {
    await using watched = await room.visit("?tz=UTC");
    const { page } = watched;
    await page.locator(".connection-open").waitFor();
    await page.locator(".top tbody tr").first().waitFor();
    const total = page.locator(".figure-value").first();
    const known = await total.textContent();
    await room.story.kill();
    await page.getByText("No connection, trying again …").waitFor();
    // What was last known stays on the page meanwhile.
    assert.equal(await total.textContent(), known);
    await room.story.launch();
    const click = { ad_id: "ad-after", event_id: "1", click_timestamp: Date.now() };
    await room.story.sendClicks([click]);
    await page.locator(".connection-open").waitFor();
    const counted = Number(known!.replaceAll(",", ""));
    await eventually("the click is told", async () => {
      const now = Number((await total.textContent())!.replaceAll(",", ""));
      return now === counted + 1 || undefined;
    });
    await eventually("the series is there again", async () =>
      (await page.locator(".state-failed").count()) === 0 ? true : undefined,
    );
    const others = watched.errors.filter((text) => !text.startsWith("Failed to load resource"));
    assert.deepEqual(others, []);
    assert.deepEqual(watched.strangers, []);
  });
});

/** Rules that are broken, with where. */
async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { faults, passes } = await page.evaluate<{ faults: string[]; passes: number }>(
    `axe.run(document).then(({ violations, passes }) => ({
      passes: passes.length,
      faults: violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html).join(" | ")),
    }))`,
  );
  assert.ok(passes >= 10, `only ${passes} rules were looked at`);
  return faults;
}

function focused(page: Page): Promise<string> {
  return page.evaluate("document.activeElement.textContent.trim()");
}

/** Chromium lets the focus go to the browser's own controls, which is neither. */
function inDialog(page: Page): Promise<string> {
  return page.evaluate(`(() => {
    const focus = document.activeElement;
    if (focus === document.body) return "browser";
    return focus.closest("dialog") ? "inside" : "outside";
  })()`);
}
