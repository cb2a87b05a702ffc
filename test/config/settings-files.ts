import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import type { Settings } from "../../src/config.ts";
import { loadSettings } from "../../src/config.ts";
import { CodedError } from "../../src/model/errors.ts";

const directory = mkdtempSync(join(tmpdir(), "clicktally-config-"));
after(() => rmSync(directory, { recursive: true }));

let files = 0;
export function file(content: string): string {
  const path = join(directory, `${files++}.yaml`);
  writeFileSync(path, content);
  return path;
}

export function fromFile(content: string): Settings {
  return loadSettings({ configPath: file(content) });
}

/** What is said to be wrong, a line each. */
export function problemsOf(load: () => unknown): readonly string[] {
  try {
    load();
  } catch (error) {
    assert.ok(error instanceof CodedError);
    assert.equal(error.code, "invalid_configuration");
    const problems = error.details["problems"] as readonly string[];
    for (const problem of problems) assert.ok(error.message.includes(problem));
    return problems;
  }
  return assert.fail("the configuration was accepted");
}
