import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { patchedEnvironment } from "./source-patches.ts";

const patch = {
  file: "src/model/partition.ts",
  find: "export function partitionOf(",
  replace: 'console.log("patched");\nexport function partitionOf(',
};
const module = pathToFileURL(resolve(import.meta.dirname, "../../src/model/partition.ts")).href;

function run(script: string, env: Readonly<Record<string, string>>): string {
  const args = ["--input-type=module", "--eval", script];
  return execFileSync(process.execPath, args, {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], ...env },
  });
}

describe("source patches", () => {
  const load = `await import(${JSON.stringify(module)});`;

  it("change what a process loads, and what its worker threads load, and no file", () => {
    const env = patchedEnvironment([patch]);
    const worker = `
      import { Worker } from "node:worker_threads";
      import { once } from "node:events";
      await once(new Worker(new URL("data:text/javascript," + encodeURIComponent(${JSON.stringify(load)}))), "exit");`;
    assert.equal(run(load, env), "patched\n");
    assert.equal(run(worker, env), "patched\n");
    assert.equal(run(load, {}), "");
  });

  it("are refused where their place is not there exactly once", () => {
    assert.throws(() => patchedEnvironment([{ ...patch, find: "nowhere at all" }]), /0 times/);
    assert.throws(() => patchedEnvironment([{ ...patch, find: "partition" }]), /not once/);
  });
});
