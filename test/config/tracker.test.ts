import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeSettings, loadSettings } from "../../src/config.ts";
import { file, fromFile, problemsOf } from "./settings-files.ts";

describe("a configuration with a tracker", () => {
  it("has secrets that are never shown, and headers of trusted proxies alone", () => {
    const secrets = ["a".repeat(32), "b".repeat(64)];
    const headers = "headers: { country: CF-IPCountry, event_id: X-Request-Id }";
    const given = `tracker: { secrets: [${secrets.join(", ")}], ${headers} }`;
    const path = file(`trusted_proxies: [10.0.0.0/8]\n${given}`);
    const { tracker } = loadSettings({ configPath: path });
    assert.deepEqual(tracker.secrets, secrets);
    assert.deepEqual(tracker.headers, { country: "cf-ipcountry", event_id: "x-request-id" });
    const shown = describeSettings({ configPath: path }).map(({ value }) => value);
    assert.ok(shown.includes("[hidden, hidden]") && !shown.join(" ").includes("aaaa"));
    for (const text of [secrets.join(","), secrets.join("\n"), `[${secrets.join(", ")}]`]) {
      const flags = { "tracker.secrets": text };
      assert.deepEqual(loadSettings({ configPath: file(""), flags }).tracker.secrets, secrets);
    }
    const wrong = (content: string): string => problemsOf(() => fromFile(content)).join("\n");
    const short = wrong("tracker: { secrets: [short-secret] }");
    assert.match(short, /tracker\.secrets is 'hidden', expected at most 16 different texts of 32/);
    assert.doesNotMatch(short, /short-secret/);
    assert.match(wrong("tracker: { headers: { country: 'a b' } }"), /tracker\.headers\.country/);
    assert.match(wrong("tracker: { headers: { os: X-Os } }"), /names of dimensions, or event_id/);
    assert.match(wrong(given), /trusted_proxies is \[\], expected at least one/);
  });
});
