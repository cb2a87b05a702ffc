import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";

const root = resolve(import.meta.dirname, "..");
const spec = readFileSync(join(root, "SPEC.md"), "utf8");

/** Lines of the form "- `FILE` title of a test" by the promise they stand under. */
function enforcingTests(): { promise: string; file: string; title: string }[] {
  let promise = "";
  const tests: { promise: string; file: string; title: string }[] = [];
  for (const line of spec.split("\n")) {
    const heading = /^### (P\d+)\./.exec(line);
    if (heading) promise = heading[1]!;
    const test = /^- `(test\/[^`]+)` (.+)$/.exec(line);
    if (test) tests.push({ promise, file: test[1]!, title: test[2]! });
  }
  return tests;
}

describe("the specification", () => {
  const tests = enforcingTests();

  it("has eleven promises, each with tests", () => {
    const promises = new Set(tests.map(({ promise }) => promise));
    assert.deepEqual(
      [...promises],
      ["P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9", "P10", "P11"],
    );
  });

  for (const { promise, file, title } of tests) {
    it(`points at a test that exists: ${promise} ${file} ${title}`, () => {
      assert.ok(existsSync(join(root, file)), `there is no ${file}`);
      const content = readFileSync(join(root, file), "utf8");
      assert.ok(
        [`it("${title}`, `it(\`${title}`].some((start) => content.includes(start)),
        `no test of ${file} begins with: ${title}`,
      );
    });
  }
});
