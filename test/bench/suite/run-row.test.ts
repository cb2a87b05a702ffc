import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Sample } from "../../../bench/suite/figures.ts";
import { figuresOf } from "../../../bench/suite/figures.ts";
import { runRow } from "../../../bench/suite/run-row.ts";

describe("a row of the benchmarks", () => {
  const usual = process.env["TMPDIR"];
  let directory: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "clicktally-test-"));
    process.env["TMPDIR"] = directory;
  });
  after(() => {
    if (usual === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = usual;
    rmSync(directory, { recursive: true });
  });

  const task = { name: "machine", quick: true, rounds: 1, history: 1_000_000 } as const;
  const run = async (deadlineSeconds: number, interrupted: AbortSignal) => {
    const samples: Sample[] = [];
    const use = (sample: Sample): void => void samples.push(sample);
    const failure = await runRow(task, { deadlineSeconds, interrupted, use });
    return { failure, samples };
  };

  it("gives what it measured, and leaves nothing", async () => {
    const { failure, samples } = await run(60, new AbortController().signal);
    assert.equal(failure, undefined);
    assert.deepEqual(
      samples.map(({ figure }) => figure),
      figuresOf("machine"),
    );
    assert.deepEqual(readdirSync(directory), []);
  });

  it("is ended when its time is over, and leaves nothing", async () => {
    const { failure } = await run(0.01, new AbortController().signal);
    assert.equal(failure, "not done after 0.01 s");
    assert.deepEqual(readdirSync(directory), []);
  });

  it("is ended when somebody interrupts, and leaves nothing", async () => {
    const interruption = new AbortController();
    const ended = run(60, interruption.signal);
    interruption.abort();
    assert.equal((await ended).failure, "interrupted");
    assert.deepEqual(readdirSync(directory), []);
  });
});
