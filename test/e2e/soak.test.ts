import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import type { SoakReport } from "../../bench/soak.ts";
import { driftOf, slope } from "../../bench/soak/drift.ts";
import type { Sample } from "../../bench/soak/sample.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const root = resolve(import.meta.dirname, "../..");

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function runSoak(args: readonly string[]): Promise<Ended> {
  const path = join(root, "bench/soak.ts");
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, [path, ...args])) };
  } catch (error) {
    const { code, stdout, stderr } = error as Ended;
    return { code, stdout, stderr };
  }
}

/** Samples of every ten seconds of half an hour in which nothing changes but what is asked for. */
function samplesOf(change: (minute: number) => Partial<Sample> = () => ({})): Sample[] {
  return Array.from({ length: 180 }, (_, i) => ({
    seconds: (i + 1) * 10,
    clicks: (i + 1) * 500_000,
    clicksASecond: 50_000,
    residentBytes: 1e9,
    anonymousBytes: 9e8,
    handles: 60,
    queueBytes: 1e8,
    storeBytes: (i + 1) * 500_000 * 36,
    diskBytes: (i + 1) * 500_000 * 38,
    lagClicks: 1_000,
    lagSeconds: 0.1,
    dedupIds: 1.5e7,
    dedupBytes: 4e8,
    refusals: 0,
    ackMs: [3, 4, 20],
    freshnessMs: [100, 200],
    queryMs: [3, 10],
    serviceCpu: 0.7,
    generatorCpu: 0.2,
    ...change((i + 1) / 6),
  }));
}

function notHeld(samples: readonly Sample[]): string[] {
  return driftOf(samples, 1_800)
    .filter(({ held }) => !held)
    .map(({ name }) => name);
}

describe("a soak", () => {
  it("holds a rate, counts exactly and reports every figure", async () => {
    const seconds = 20;
    const clicksASecond = 5_000;
    const args = `--rate ${clicksASecond} --minutes ${seconds / 60} --dedup-horizon 1m --seed 7`;
    const { code, stdout } = await runSoak([...args.split(" "), "--sample-seconds", "1", "--json"]);
    const report = JSON.parse(stdout) as SoakReport;
    const [rate, ...books] = report.checks;
    // Which a busy machine may not hold.
    assert.equal(rate?.name, "the rate was held");
    assert.deepEqual(
      books.filter(({ held }) => !held),
      [],
    );
    assert.equal(books.length, 6);
    assert.ok(report.clicks > clicksASecond * seconds, "the probe's clicks come on top");
    // So short a run is all warm-up: what it finds of drift says nothing, but it must say what it finds.
    assert.equal(code, report.held ? 0 : 1);
    assert.ok(report.samples >= 10, `${report.samples} samples`);
    for (const { name, first, last, slopeAnHour } of report.figures) {
      for (const value of [first, last, slopeAnHour]) assert.equal(typeof value, "number", name);
    }
    assert.deepEqual(
      report.figures.filter(({ bound }) => bound !== null).map(({ name }) => name),
      [
        "resident memory",
        "open handles",
        "disk a click, raw + minutes",
        "freshness p99",
        "ack p99",
      ],
    );
  });

  it("refuses wrong usage", async () => {
    for (const args of [
      ["--rate", "fast"],
      ["--dedup-horizon", "5"],
      ["--hours", "1"],
    ]) {
      const { code, stderr } = await runSoak(args);
      assert.equal(code, 2, args.join(" "));
      assert.match(stderr, /npm run soak/);
    }
  });
});

describe("a soak that is interrupted", () => {
  it("ends its service and leaves no data behind", async () => {
    await using directory = await temporaryDirectory();
    const soak = spawn(process.execPath, [join(root, "bench/soak.ts"), "--sample-seconds", "0.2"], {
      env: { ...process.env, TMPDIR: directory.path },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const exited = once(soak, "exit");
    // The first sample: everything runs.
    await once(soak.stderr, "data");
    assert.equal((await readdir(directory.path)).length, 1);
    soak.kill("SIGINT");
    assert.deepEqual(await exited, [3, null]);
    assert.deepEqual(await readdir(directory.path), []);
  });
});

describe("drift", () => {
  it("is not seen where everything stays, nor in what happens while it warms up", () => {
    assert.deepEqual(notHeld(samplesOf()), []);
    assert.deepEqual(
      notHeld(samplesOf((minute) => ({ residentBytes: minute < 9 ? 1e8 : 1e9 }))),
      [],
    );
  });

  it("is seen in every figure that has a bound", () => {
    const late = (minute: number, change: Partial<Sample>) => (minute > 26 ? change : {});
    const cases: readonly [name: string, change: (minute: number) => Partial<Sample>][] = [
      ["resident memory", (minute) => ({ residentBytes: 1e9 + minute * 4e6 })],
      ["open handles", (minute) => ({ handles: 60 + Math.floor(minute / 2) })],
      ["disk a click, raw + minutes", (minute) => ({ storeBytes: minute ** 1.2 * 1e8 })],
      ["freshness p99", (minute) => late(minute, { freshnessMs: [100, 260] })],
      ["ack p99", (minute) => late(minute, { ackMs: [3, 4, 26] })],
    ];
    for (const [name, change] of cases) assert.deepEqual(notHeld(samplesOf(change)), [name]);
  });

  it("is told an hour by the line of least squares", () => {
    assert.equal(
      slope([
        [0, 1],
        [0.5, 3],
        [1, 5],
      ]),
      4,
    );
    const memory = driftOf(
      samplesOf((minute) => ({ residentBytes: 1e9 + minute * 1e6 })),
      1_800,
    );
    assert.equal(Math.round(memory[0]!.slopeAnHour), 60);
  });
});
