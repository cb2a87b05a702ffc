import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";

const root = resolve(import.meta.dirname, "..");

/** What git tracks, and what it would: so that the rules hold before a commit too. */
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((path) => path !== "" && existsSync(join(root, path)));
const code = files.filter((path) => /\.tsx?$/.test(path));
const read = (path: string): string => readFileSync(join(root, path), "utf8");

describe("the house rules", () => {
  it("are asked of the whole tree", () => {
    assert.ok(code.length >= 150, `only ${code.length} files were looked at`);
  });

  it("keep every file below 420 lines", () => {
    const long = code.filter((path) => read(path).split("\n").length > 420);
    assert.deepEqual(long, []);
  });

  it("allow no skipped, focused or unfinished test, and no sleep in one", () => {
    const marks = [
      /\b(?:it|describe|test)\.(?:skip|only|todo)\b/,
      /\bskip:\s*true\b/,
      /\bawait (?:sleep|delay)\(/,
    ];
    const wrong = code.filter(
      (path) =>
        path.startsWith("test/") &&
        path !== "test/tidy.test.ts" &&
        marks.some((mark) => mark.test(read(path))),
    );
    assert.deepEqual(wrong, []);
  });

  it("allow no mark of unfinished work", () => {
    // Written so that this file does not find itself.
    const mark = /\b(?:TOD[O]|FIXM[E]|XX[X])\b/;
    const wrong = code.filter((path) => mark.test(read(path)));
    assert.deepEqual(wrong, []);
  });

  it("keep download addresses out of the lockfile", () => {
    assert.doesNotMatch(read("package-lock.json"), /"resolved":/);
  });

  it("test every file in a room of the same name", () => {
    const rooms = new Set(
      code.filter((path) => path.startsWith("src/")).map((path) => path.split("/")[1]),
    );
    const kinds = "contract cluster support e2e crash fuzz mutants browser dashboard ops bench";
    const shared = new Set(kinds.split(" "));
    const strange = code.filter((path) => {
      const [top, room, ...rest] = path.split("/");
      return top === "test" && rest.length > 0 && !rooms.has(room!) && !shared.has(room!);
    });
    assert.deepEqual(strange, []);
  });
});
