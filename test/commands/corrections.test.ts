import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { dayMs, hourMs } from "../../src/model/time.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { runCommand } from "./run-command.ts";

describe("void, release and quarantine from the shell", () => {
  const resources = new AsyncDisposableStack();
  const nowMs = Date.now();
  const expiredMs = nowMs - 2 * dayMs;
  let service: ServiceProcess;
  let directory: string;

  before(async () => {
    directory = resources.use(await temporaryDirectory()).path;
    const dataDir = resources.use(await temporaryDirectory()).path;
    service = resources.use(await ServiceProcess.start({ dataDir }));
    await send({ ad_id: "a", event_id: "present", click_timestamp: nowMs });
    for (const event_id of ["one", "two", "three"])
      await send({ ad_id: "a", event_id, click_timestamp: nowMs - hourMs });
    for (const event_id of ["old", "old", "older"])
      await send({ ad_id: "b", event_id, click_timestamp: expiredMs });
  });
  after(() => resources.disposeAsync());

  async function send(click: object): Promise<void> {
    await service.post("/v1/clicks?wait=counted", JSON.stringify(click), "application/json");
  }

  const run = (...args: string[]) => runCommand([...args, "--url", service.url]);

  async function counted(): Promise<number> {
    const { stdout } = await run("query", "count", "a", "--window", "3d", "--json");
    return (JSON.parse(stdout) as { count: number }).count;
  }

  it("take the clicks that a file names out of the counts, and back in", async () => {
    const verdict = join(directory, "verdict.csv");
    await writeFile(verdict, "event_id,ad_id,score\r\none,a,0.9\r\ntwo,a,0.8\r\nnobody,a,1\r\n");
    const voided = await run("void", verdict, "--reason", "invalid traffic");
    assert.equal(voided.exitCode, 0, voided.stderr);
    assert.match(
      voided.stdout,
      /^void \S+: changed 2, unchanged 0, not found 1; as of commit \d+\n$/,
    );
    assert.equal(await counted(), 2);
    const lines = join(directory, "verdict.ndjson");
    await writeFile(lines, '{"ad_id":"a","event_id":"one"}\n\n{"ad_id":"a","event_id":"two"}');
    const undone = await run("void", lines, "--reason", "an error", "--undo", "--json");
    assert.deepEqual((JSON.parse(undone.stdout) as { result: object }).result, {
      changed: 2,
      unchanged: 0,
      not_found: 0,
    });
    assert.equal(await counted(), 4);
  });

  it("refuse a file that names no clicks, by its line", async () => {
    const wrong: readonly (readonly [string, string, RegExp])[] = [
      ["lines.ndjson", '{"ad_id":"a","event_id":"e"}\n{"ad_id":"a"}\n', /line 2: has no event_id/],
      ["words.ndjson", "no json\n", /line 1: is no JSON/],
      ["columns.csv", "ad,event_id\na,e\n", /line 2: has no ad_id/],
      ["empty.ndjson", "", /names no clicks/],
    ];
    for (const [name, content, message] of wrong) {
      const path = join(directory, name);
      await writeFile(path, content);
      const { exitCode, stderr } = await run("void", path, "--reason", "x");
      assert.notEqual(exitCode, 0, name);
      assert.match(stderr, message);
    }
    assert.equal(await counted(), 4);
  });

  it("list what is in quarantine and let it in, each click once", async () => {
    const listed = await run("query", "quarantine", "--window", "3d");
    assert.equal(listed.stdout.match(/^b .* expired/gm)?.length, 3, listed.stdout);
    const range = ["--from", String(expiredMs - hourMs), "--to", String(expiredMs + hourMs)];
    const released = await run("release", ...range, "--reason", "a server was away");
    assert.match(released.stdout, /^release \S+: released 2, duplicates 1; as of commit \d+\n$/);
    const left = await run("query", "quarantine", "b", "--window", "3d", "--csv");
    assert.equal(left.stdout.trim().split("\r\n").length, 1);
    assert.equal((await run("audit")).exitCode, 0);
  });
});
