import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { runCommand } from "../commands/run-command.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const name = "user-who-is-known-by-name";
const address = "203.0.113.77";
const env = {
  CLICKTALLY_DIMENSIONS:
    "{ country: { in: minute }, user_id: { in: raw, store: hashed }, ip: { in: raw, store: truncated } }",
};

interface Answer {
  readonly accepted: number;
  readonly counted: number;
  readonly duplicates: number;
}

async function send(service: ServiceProcess, clicks: readonly object[]): Promise<Answer> {
  const body = JSON.stringify(clicks);
  const answer = await service.post<Answer>("/v1/clicks?wait=counted", body, "application/json");
  assert.equal(answer.status, 200);
  return answer.body;
}

async function countOf(service: ServiceProcess, filter: string): Promise<number> {
  const path = `/v1/ads/a/aggregated_count?window=2h&filter=${encodeURIComponent(filter)}`;
  return (await service.get<{ count: number }>(path)).count;
}

/** Files below the directory that hold the text. */
function filesWith(directory: string, text: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((path) => {
    const whole = join(directory, path);
    return statSync(whole).isFile() && readFileSync(whole).includes(text);
  });
}

describe("dimensions that are hashed and truncated", () => {
  it("are nowhere in the data directory as they came, whichever way they came, and are asked for as they came", async () => {
    await using directory = await temporaryDirectory();
    await using files = await temporaryDirectory();
    const dataDir = directory.path;
    const click_timestamp = Date.now() - 1_000;
    const service = await ServiceProcess.start({ dataDir, env });
    await using _ = service;
    const clicks = Array.from({ length: 40 }, (_unused, i) => ({
      ad_id: "a",
      click_timestamp,
      user_id: `${name}-${i % 4}`,
      ip: i % 2 === 0 ? address : "198.51.100.1",
      n: i,
      ...(i % 5 === 0 && { event_id: `e${i}` }),
    }));
    assert.equal((await send(service, clicks)).counted, 40);
    assert.deepEqual([(await send(service, clicks)).duplicates], [40]);

    const file = join(files.path, "old.ndjson");
    const old = { ad_id: "a", click_timestamp: click_timestamp - 3_600_000, user_id: `${name}-1` };
    await writeFile(file, `${JSON.stringify(old)}\n${JSON.stringify({ ...old, ip: address })}\n`);
    const imported = await runCommand(["import", file, "--url", service.url], { env });
    assert.equal(imported.exitCode, 0, imported.stderr);
    await service.caughtUp();

    assert.equal(await countOf(service, `user_id==${name}-1`), 12);
    assert.equal(await countOf(service, `user_id!=${name}-1`), 30);
    assert.equal(await countOf(service, "ip==203.0.113.1"), 21);
    assert.equal(await countOf(service, "ip==203.0.113.0/24"), 21);
    const { clicks: told } = await service.get<{
      clicks: { dimensions: Record<string, string> }[];
    }>(`/v1/ads/a/explain?window=2h&filter=user_id==${name}-1`);
    const shown = new Set(told.map(({ dimensions }) => dimensions["user_id"]!));
    assert.equal(shown.size, 1);
    assert.match([...shown][0]!, /^h1\.[\w-]{22}$/);
    assert.equal(await countOf(service, `user_id==${[...shown][0]}`), 12);

    const body = JSON.stringify({ field: "user_id", values: [`${name}-1`], reason: "asked for" });
    const erased = await service.post("/v1/admin/erase", body, "application/json");
    assert.deepEqual((erased.body as { result: object }).result, { erased: 22 });
    assert.equal(await countOf(service, `user_id==${name}-1`), 0);
    await service.kill();
    assert.ok(filesWith(dataDir, "h1.").length > 0, "what was stored is looked for where it is");
    assert.deepEqual(filesWith(dataDir, name), []);
    assert.deepEqual(filesWith(dataDir, address), []);
  });

  it("are asked for in both forms after a change, across which a click that is sent again counts once", async () => {
    await using directory = await temporaryDirectory();
    const dataDir = directory.path;
    const click_timestamp = Date.now() - 1_000;
    const click = { ad_id: "a", click_timestamp, user_id: "u1", ip: address };
    const derived = [click, { ...click, ip: "203.0.113.0" }];
    {
      await using plain = await ServiceProcess.start({ dataDir });
      assert.equal((await send(plain, derived)).counted, 2);
    }
    await using service = await ServiceProcess.start({ dataDir, env });
    assert.equal((await send(service, derived)).duplicates, 2);
    const later = [
      { ...click, event_id: "e1" },
      { ...click, event_id: "e2", user_id: "u2" },
    ];
    assert.equal((await send(service, later)).counted, 2);
    assert.equal(await countOf(service, "user_id==u1"), 3);
    assert.equal(await countOf(service, "user_id!=u1"), 1);
    // An address that came plain is still one, an address of its network is none.
    assert.equal(await countOf(service, `ip==${address}`), 3);
    assert.equal(await countOf(service, "ip==203.0.113.0"), 3);
    assert.equal(await countOf(service, "ip==203.0.113.9"), 2);
    const settings = await service.get<{ dimensions: object[] }>("/v1/dimensions");
    assert.deepEqual(settings.dimensions.at(-1), {
      name: "ip",
      in: "raw",
      type: "ip",
      store: "truncated",
    });
  });
});
