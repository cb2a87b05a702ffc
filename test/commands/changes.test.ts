import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { runCommand } from "./run-command.ts";

const cli = resolve(import.meta.dirname, "../../src/cli.ts");

interface Line {
  readonly ad_id?: string;
  readonly count?: number;
  readonly since?: string;
}

describe("changes", () => {
  it("prints rows and marks to the present, or goes on with --follow until the service stops", async () => {
    await using directory = await temporaryDirectory();
    await using service = await ServiceProcess.start({ dataDir: directory.path });
    const send = async (ad_id: string, country: string): Promise<void> => {
      const click = JSON.stringify({ ad_id, country, click_timestamp: Date.now() });
      const { status } = await service.post("/v1/clicks?wait=counted", click);
      assert.equal(status, 200);
    };
    await send("a", "DE");
    await send("b", "US");
    const run = async (...args: string[]): Promise<Line[]> => {
      const { exitCode, stdout, stderr } = await runCommand([
        "changes",
        ...args,
        "--url",
        service.url,
      ]);
      assert.equal(exitCode, 0, stderr);
      return stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Line);
    };
    const all = await run();
    const adsOf = (lines: readonly Line[]) => lines.flatMap(({ ad_id }) => ad_id ?? []);
    assert.deepEqual(adsOf(all), ["a", "b"]);
    assert.deepEqual(adsOf(await run("--filter", "country==US")), ["b"]);
    const { since } = all.at(-1)!;
    assert.deepEqual(adsOf(await run("--since", since!)), []);

    const args = [cli, "changes", "--since", since!, "--follow", "--url", service.url];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    const ended = once(child, "close");
    let [errors, isStopping] = ["", false];
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    const told: Line[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      told.push(JSON.parse(line) as Line);
      if (told.length === 1) await send("c", "FR");
      if (!adsOf(told).includes("c") || isStopping) continue;
      isStopping = true;
      service.terminate();
    }
    assert.deepEqual(adsOf(told), ["c"]);
    assert.deepEqual(await ended, [3, null]);
    assert.match(errors, /has ended the changes/);
  });

  it("exits with 2 where a parameter is wrong, and with 3 where nobody answers", async () => {
    await using directory = await temporaryDirectory();
    await using service = await ServiceProcess.start({ dataDir: directory.path });
    const wrong = await runCommand(["changes", "--since", "x", "--url", service.url]);
    assert.equal(wrong.exitCode, 2);
    assert.match(wrong.stderr, /since: 'x'/);
    const nobody = await runCommand(["changes", "--url", "http://127.0.0.1:9"]);
    assert.equal(nobody.exitCode, 3);
    assert.match(nobody.stderr, /does not answer/);
  });
});
