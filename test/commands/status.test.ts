import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { RunningService, click } from "../api/running-service.ts";
import { formatStrip, stripLine } from "../../src/commands/status/health-strip.ts";
import type { HealthItem } from "../../src/health/health-items.ts";
import { eventually } from "../support/eventually.ts";
import { runCommand } from "./run-command.ts";

const cli = resolve(import.meta.dirname, "../../src/cli.ts");
const names = "Freshness +Lag +Watermark +Duplicates +Late +Ledger +Audit";

/** A command that goes on until it is stopped. */
class Watching implements AsyncDisposable {
  private readonly child: ChildProcess;
  text = "";

  constructor(program: string, args: readonly string[]) {
    const env = { PATH: process.env["PATH"], TERM: "xterm" };
    this.child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"], detached: true });
    for (const stream of [this.child.stdout!, this.child.stderr!])
      stream.setEncoding("utf8").on("data", (text: string) => (this.text += text));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.child, "close");
    process.kill(-this.child.pid!, "SIGKILL");
    await ended;
  }
}

describe("the status of a running service", () => {
  let service: RunningService;
  before(async () => {
    service = await RunningService.start({ sources: "{ web: { files: /nowhere/clicks.log } }" });
    const twice = click({ event_id: "twice" });
    const body = JSON.stringify([twice, twice, click(), click()]);
    await service.send("POST", "/v1/clicks?wait=counted", body);
  });
  after(() => service[Symbol.asyncDispose]());

  it("begins with the dashboard's health strip", async () => {
    const { stdout, exitCode } = await runCommand(["status", "--url", service.url]);
    assert.equal(exitCode, 0);
    const [status, , head, values] = stdout.split("\n");
    assert.match(status!, /^status +ready/);
    assert.match(head!, new RegExp(`^${names}$`));
    const [fresh, lag, watermark, ...others] = values!.split(/ {2,}/);
    const audit = others.pop()!;
    assert.match(fresh!, /^≤ \d+ (?:ms|s)/);
    assert.equal(lag, "none");
    assert.match(watermark!, / behind$/);
    assert.deepEqual(others, ["25 % (to be watched)", "0 %", "balanced"]);
    assert.match(audit, /^(?:none yet|clean, .* ago)$/);
  });

  it("tells of the log files that are followed", async () => {
    const { stdout } = await runCommand(["status", "--url", service.url]);
    assert.match(stdout, /^logs of +files +lag files +lag bytes +clicks +bad lines +lost bytes$/m);
    assert.match(stdout, /^web +0 +0 +0 +0 +0 +0$/m);
  });

  it("is a line each time where it is watched and there is no terminal", async () => {
    const args = [cli, "status", "--url", service.url, "--watch", "0.1"];
    await using watching = new Watching(process.execPath, args);
    const lines = await eventually("some lines have come", () => {
      const whole = watching.text.split("\n").slice(0, -1);
      return whole.length >= 3 ? whole : undefined;
    });
    for (const line of lines)
      assert.match(
        line,
        /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ freshness ≤ .*, lag none, watermark .* behind, duplicates 25 % \(to be watched\), late 0 %, ledger balanced, audit .*$/,
      );
  });

  it("is drawn over what was there on a terminal, with colours, and goes on where nobody answers", async () => {
    const command = `${process.execPath} ${cli} status --url ${service.url} --watch 0.1`;
    // A terminal that is none.
    await using watching = new Watching("script", ["-qec", command, "/dev/null"]);
    await eventually("it is drawn again", () =>
      watching.text.split("\u001b[H").length >= 4 ? true : undefined,
    );
    const [clear, first] = watching.text.split("\u001b[H");
    assert.equal(clear, "\u001b[2J");
    const [status, , head] = first!.split("\u001b[K\r\n");
    assert.match(status!, /^status +ready/);
    assert.match(head!, new RegExp(`^${names}$`));
    assert.ok(first!.includes("\u001b[32mnone"), "what is good is green");
    assert.ok(first!.includes("\u001b[33m25 %"), "what is to be watched is yellow");
    assert.ok(first!.endsWith("\u001b[J"));
  });
});

describe("the health strip", () => {
  const item = (name: string, value: string, tone: HealthItem["tone"]): HealthItem => ({
    name,
    value,
    tone,
    meaning: "",
  });
  const items = [item("Lag", "9 · 40 s", "bad"), item("Ledger", "–", "unknown")];

  it("says in words what it can't colour", () => {
    assert.equal(formatStrip(items, false), "Lag             Ledger\n9 · 40 s (BAD)  –");
    assert.equal(stripLine(items, 0), "1970-01-01T00:00:00Z lag 9 · 40 s (BAD), ledger –");
  });
});
