/** The limits of the machine beside which everything else is to be read. */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RowContext } from "./suite/context.ts";
import { percentile } from "./suite/statistics.ts";
import { Workload } from "./workload.ts";

const machine = "machine";
const newline = 0x0a;

export function measure({ quick, rounds, note }: RowContext): Promise<void> {
  const lines = quick ? 20_000 : 300_000;
  const body = new Workload(1).body(lines, Date.now());
  const texts = body.toString("latin1").trimEnd().split("\n");
  // The first round is for the compiler.
  for (let round = -1; round < rounds; round++) {
    const values = [
      ["machine.parse", lines / secondsOf(() => parseAll(texts))],
      ["machine.scan", body.length / 1e9 / secondsOf(() => countLines(body))],
      ["machine.copy", copyRate(quick ? 16 : 256)],
      ...writeFigures(quick ? 32 : 512, quick ? 50 : 400),
    ] as const;
    if (round < 0) continue;
    for (const [figure, value] of values) note(figure, machine, value);
  }
  return Promise.resolve();
}

function parseAll(texts: readonly string[]): number {
  let length = 0;
  for (const text of texts) length += (JSON.parse(text) as { ad_id: string }).ad_id.length;
  return length;
}

function countLines(body: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < body.length; i++) if (body[i] === newline) count++;
  return count;
}

/** GB/s of copying from one buffer of so many MB into another; each byte is read and written once. */
function copyRate(megabytes: number): number {
  const from = Buffer.alloc(megabytes * 1e6, 1);
  const to = Buffer.alloc(from.length, 2);
  return from.length / 1e9 / secondsOf(() => from.copy(to));
}

/** Into a file in the directory for temporary files, which is where the servers have theirs. */
function writeFigures(megabytes: number, syncs: number) {
  const directory = mkdtempSync(join(tmpdir(), "clicktally-bench-machine-"));
  const file = openSync(join(directory, "file"), "w");
  try {
    const large = Buffer.alloc(1e6, 1);
    const seconds = secondsOf(() => {
      for (let i = 0; i < megabytes; i++) {
        writeSync(file, large);
        fdatasyncSync(file);
      }
    });
    const small = Buffer.alloc(4096, 1);
    const syncMs = Array.from(
      { length: syncs },
      () =>
        secondsOf(() => {
          writeSync(file, small);
          fdatasyncSync(file);
        }) * 1000,
    );
    return [
      ["machine.write", megabytes / seconds],
      ["machine.sync_p50", percentile(syncMs, 0.5)],
      ["machine.sync_p99", percentile(syncMs, 0.99)],
    ] as const;
  } finally {
    closeSync(file);
    rmSync(directory, { recursive: true, force: true });
  }
}

function secondsOf(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}
