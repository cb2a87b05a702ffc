/** Programs that use the client as others do: those of its page, and one that ends without closing it. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { RunningService, newAd } from "../api/running-service.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const page = readFileSync(resolve(import.meta.dirname, "../../docs/client.md"), "utf8");
const examples = [...page.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code!);
const hooks = resolve(import.meta.dirname, "client-source.ts");

let service: RunningService;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
before(async () => {
  [service, directory] = await Promise.all([RunningService.start(), temporaryDirectory()]);
});
after(async () => {
  await service[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

/** What it prints; rejects where it fails. */
async function run(name: string, code: string): Promise<{ stdout: string; stderr: string }> {
  const file = join(directory.path, `${name}.ts`);
  await writeFile(file, code);
  return await promisify(execFile)(process.execPath, ["--import", hooks, file], {
    env: { PATH: process.env["PATH"], CLICKTALLY_URL: service.url },
  });
}

async function countOf(ad: string): Promise<unknown> {
  await service.assertLives();
  return (await service.get(`/v1/ads/${ad}/aggregated_count?window=5`)).body["count"];
}

describe("the documented programs", () => {
  const [send = "", ask = ""] = examples;

  it("run as they stand: one sends, one asks", async () => {
    assert.equal(examples.length, 2);
    const sent = await run("send", send);
    assert.deepEqual([sent.stdout, sent.stderr], ["all clicks are safe\n", ""]);
    assert.deepEqual([await countOf("spring-1"), await countOf("spring-2")], [1, 1]);
    const asked = await run("ask", ask);
    assert.match(
      asked.stdout,
      /^spring-1 had 1 clicks from Germany in the last hour \(provisional\)$/m,
    );
    assert.match(asked.stdout, /^\d+ spring-1 1$/m);
    assert.match(asked.stdout, /ad_id: 'spring-2',\s+country: 'FR',\s+count: 1/);
    assert.match(asked.stdout, /^unknown_dimension filter .*planet/m);
  });
});

describe("a process that comes to its end", () => {
  const begin = 'import { ClickClient } from "clicktally/client";\n';

  it("sends what waits first", async () => {
    const ad = newAd();
    const { stderr } = await run(
      "unclosed",
      `${begin}const client = new ClickClient({ url: process.env.CLICKTALLY_URL!, delayMs: 3_600_000 });
       for (let i = 0; i < 250; i++) client.click({ ad_id: "${ad}" });`,
    );
    assert.deepEqual([stderr, await countOf(ad)], ["", 250]);
  });

  it("ends although nobody is there, and tells what is lost", async () => {
    const { stderr } = await run(
      "alone",
      `${begin}const client = new ClickClient({ url: "http://127.0.0.1:1", delayMs: 1, closeMs: 50 });
       client.click({ ad_id: "a", event_id: "e1" });`,
    );
    assert.match(stderr, /clicks wait: no answer from http:\/\/127\.0\.0\.1:1/);
    assert.match(stderr, /click e1 of a is lost: closed/);
  });
});
