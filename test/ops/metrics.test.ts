import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { RunningService, click } from "../api/running-service.ts";
import { samplesOf } from "../support/metrics-text.ts";
import { documentedMetrics, exposedMetrics } from "./exposition.ts";
import { check, missingPrograms } from "./programs.ts";

const root = resolve(import.meta.dirname, "../..");
const skip = missingPrograms("promtool") ?? false;

describe("what a service exposes to Prometheus", () => {
  let service: RunningService;
  let text: string;
  before(async () => {
    service = await RunningService.start({
      sources: "{ web: { files: [/nowhere/clicks.ndjson] } }",
    });
    const now = Date.now();
    const twice = { ad_id: "a", event_id: "twice" };
    const clicks = [
      click({ ad_id: "a", click_timestamp: now }),
      click({ ...twice, click_timestamp: now - 60_000 }),
      click({ ...twice, click_timestamp: now - 60_000, country: "US" }),
      click({ ...twice, click_timestamp: now }),
      { ad_id: "" },
    ];
    const answer = await service.send("POST", "/v1/clicks?wait=counted", JSON.stringify(clicks));
    assert.deepEqual([answer.status, answer.body["duplicates"]], [200, 2]);
    await service.get("/v1/ads/a/aggregated_count?window=5");
    await service.get("/v1/ads/a/aggregated_count?window=no");
    text = await (await fetch(`${service.url}/metrics`)).text();
  });
  after(() => service[Symbol.asyncDispose]());

  it("is every metric by its name, with its labels, and no other", () => {
    assert.deepEqual(Object.fromEntries(exposedMetrics(text)), documentedMetrics);
  });

  it("is in the operations manual, each of it", () => {
    const manual = readFileSync(join(root, "docs/operations.md"), "utf8");
    const told = Object.entries(documentedMetrics).map(([name, { labels }]) =>
      labels.length === 0 ? name : `${name}{${labels.join(",")}}`,
    );
    const rows = manual.split("\n").filter((line) => line.startsWith("| `clicktally_"));
    const inManual = rows.flatMap((row) =>
      [...row.split("|")[1]!.matchAll(/`(clicktally_[^`]*)`/g)].map(([, name]) => name!),
    );
    assert.deepEqual(inManual.toSorted(), told.toSorted());
  });

  it("counts a duplicate whose minute is not its original's, and no other one", () => {
    const samples = samplesOf(text);
    assert.equal(samples['clicktally_clicks_total{outcome="duplicate"}'], 2);
    assert.equal(samples["clicktally_duplicate_conflicts_total"], 1);
  });

  it("counts requests by what they are about and how they were answered", () => {
    const samples = samplesOf(text);
    const of = (group: string, status: string): number | undefined =>
      samples[`clicktally_requests_total{group="${group}",status="${status}"}`];
    assert.deepEqual([of("clicks", "2xx"), of("queries", "2xx"), of("queries", "4xx")], [1, 1, 1]);
  });

  it("is what Prometheus takes without complaint", { skip }, async () => {
    const said = await check("promtool", ["check", "metrics"], { input: text });
    assert.equal(said, "");
  });
});
