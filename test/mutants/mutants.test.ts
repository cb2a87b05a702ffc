import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { patchedEnvironment } from "../support/source-patches.ts";
import { knownSeeds } from "./known-seeds.ts";
import type { PlantedBug } from "./planted-bugs.ts";
import { plantedBugs } from "./planted-bugs.ts";

const seedsMax = 1_000;
const deadlineMs = 10 * 60_000;
const hunt = resolve(import.meta.dirname, "hunt.ts");

interface Hunt {
  /** Null where none of the histories failed. */
  readonly seed: number | null;
  readonly failure?: string;
}

async function huntWith(
  { patches, kind = "one" }: Pick<PlantedBug, "patches" | "kind">,
  ...seeds: readonly number[]
): Promise<Hunt> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [hunt, kind, ...seeds.map(String)],
    {
      env: {
        PATH: process.env["PATH"],
        NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
        ...patchedEnvironment(patches),
      },
      timeout: deadlineMs,
    },
  );
  return JSON.parse(stdout) as Hunt;
}

describe("planted bugs", { concurrency: 2 }, () => {
  it("are many, and each has a name of its own", () => {
    assert.ok(plantedBugs.length >= 25, `only ${plantedBugs.length}`);
    assert.equal(new Set(plantedBugs.map(({ name }) => name)).size, plantedBugs.length);
  });

  it("have no seed that nobody hunts at, or beyond what is hunted through", () => {
    const names = new Set(plantedBugs.map(({ name }) => name));
    for (const [name, seed] of Object.entries(knownSeeds)) {
      assert.ok(names.has(name), name);
      assert.ok(seed >= 1 && seed <= seedsMax, `${name}: ${seed}`);
    }
  });

  it("are what is caught: without any the same histories pass", async () => {
    assert.deepEqual(await huntWith({ patches: [] }, 60), { seed: null });
    assert.deepEqual(await huntWith({ patches: [], kind: "several" }, 20), { seed: null });
  });

  for (const bug of plantedBugs) {
    it(`are caught: ${bug.name}`, async (context) => {
      const known = knownSeeds[bug.name];
      const { seed, failure } = await huntWith(
        bug,
        seedsMax,
        ...(known === undefined ? [] : [known]),
      );
      assert.notEqual(seed, null, `${bug.name} has survived ${seedsMax} histories`);
      const stale = known !== undefined && seed !== known ? ` (no longer ${known})` : "";
      context.diagnostic(`seed ${seed}${stale}: ${failure?.slice(0, 160)}`);
    });
  }
});
