import assert from "node:assert/strict";
import { test } from "node:test";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

void test("serve tells of its start with what is in force, of being ready and of its stop, and no secret", async () => {
  await using directory = await temporaryDirectory();
  const env = { CLICKTALLY_LATE: "quarantine", CLICKTALLY_STORE_PASSWORD: "not to be told" };
  const service = await ServiceProcess.start({ dataDir: directory.path, env });
  const ip = "203.0.113.77";
  const click = { ad_id: "ad-x", click_timestamp: Date.now(), event_id: "event-x", ip };
  await service.post("/v1/clicks", JSON.stringify([click, { ...click, country: "??" }]));
  await service.get("/v1/ads/ad-x/aggregated_count?window=5");
  await service[Symbol.asyncDispose]();
  const lines = service.stderr
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    lines.map(({ level, msg }) => [level, msg]),
    [
      [30, "clicktally starts"],
      [30, "clicktally is ready"],
      [30, "clicktally stops"],
      [30, "clicktally has stopped"],
    ],
  );
  const [starts, ready, stops] = lines;
  const settings = starts!["settings"] as Record<string, string>;
  assert.equal(settings["late"], "quarantine");
  assert.equal(settings["data_dir"], directory.path);
  assert.match(String(starts!["version"]), /^\d+\.\d+\.\d+/);
  assert.equal(ready!["url"], service.url);
  assert.equal(stops!["signal"], "SIGTERM");
  assert.doesNotMatch(service.stderr, /not to be told|ad-x|event-x|203\.0/);
});
