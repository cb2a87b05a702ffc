import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { plantedBugs } from "../mutants/planted-bugs.ts";
import { patchedEnvironment } from "../support/source-patches.ts";
import { runCommand } from "./run-command.ts";

interface Report {
  readonly runs: number;
  readonly clicks: number;
  readonly strikes: readonly (readonly [string, number])[];
  readonly failure?: { readonly seed: number };
}

describe("prove", () => {
  it("reports what was tried, the same whatever the number of threads", async () => {
    const reports = await Promise.all(
      ["1", "2"].map(async (threads) => {
        const args = ["prove", "--seed", "5", "--runs", "6", "--threads", threads, "--json"];
        const { stdout, exitCode } = await runCommand(args);
        assert.equal(exitCode, 0);
        return JSON.parse(stdout) as Report;
      }),
    );
    assert.deepEqual(reports[0], reports[1]);
    assert.equal(reports[0]!.runs, 6);
    assert.ok(reports[0]!.clicks > 1_000);
    assert.ok(reports[0]!.strikes.some(([, count]) => count > 0));
    const table = await runCommand(["prove", "--seed", "5", "--runs", "1", "--trace"]);
    assert.equal(table.exitCode, 0);
    assert.match(table.stdout, /^\d+\.\d{3} commit\.sync$/m);
    assert.match(table.stdout, /1 histories of .*\n0 differences/s);
  });

  it("exits 1 where a history fails, with its seed and a short history that fails too", async () => {
    const bug = plantedBugs.find(({ name }) => name === "a watermark of the wall clock")!;
    const args = ["prove", "--seed", "1", "--runs", "20", "--threads", "1"];
    const env = patchedEnvironment(bug.patches);
    const { stdout, stderr, exitCode } = await runCommand(args, { env });
    assert.equal(exitCode, 1);
    assert.match(stdout, /A HISTORY DIFFERS FROM THE ORACLE/);
    const seed = /^clicktally \d+\.\d+\.\d+, seed (\d+)(?: at commit \w+)?: /m.exec(stderr)?.[1];
    assert.ok(seed !== undefined, stderr);
    assert.match(stderr, new RegExp(`^again: clicktally prove --seed ${seed} --runs 1`, "m"));
    const sends = stderr.split("\n").filter((line) => /^ {2}at .*: (?:send|import) /.test(line));
    assert.ok(sends.length >= 1 && sends.length <= 10, `${sends.length} bodies are left`);
    assert.match(stderr, /^which ends with: /m);
  });

  it("exits 2 where a number is none", async () => {
    const { exitCode, stderr } = await runCommand(["prove", "--seed", "0"]);
    assert.equal(exitCode, 2);
    assert.match(stderr, /whole number of at least 1/);
  });
});
