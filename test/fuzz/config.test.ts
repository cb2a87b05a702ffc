import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { Settings, SettingsInput } from "../../src/config.ts";
import { describeSettings, loadSettings } from "../../src/config.ts";
import type { SettingName } from "../../src/config/keys.ts";
import { isSettingName, settingNames } from "../../src/config/keys.ts";
import { CodedError } from "../../src/model/errors.ts";
import type { Random } from "../../src/traffic/random.ts";
import { fuzz } from "./fuzz.ts";
import type { Mutator } from "./mutate.ts";

const directory = mkdtempSync(join(tmpdir(), "clicktally-fuzz-config-"));
after(() => rmSync(directory, { recursive: true }));
const path = join(directory, "clicktally.yaml");
const emptyPath = join(directory, "empty.yaml");
writeFileSync(emptyPath, "");

/** Where a setting can come from: each complaint begins with it. */
const origin = /^(?:.*clicktally\.yaml:\d+|CLICKTALLY_.*|--[a-z-]+|default): /s;
/** What a complaint is about. */
const names = new RegExp(settingNames.map((name) => name.split(".")[0]).join("|"));
/** A value that is shown is cut off, and so is a name that nobody knows. */
const problemLengthMax = 500;

function check(input: SettingsInput): string {
  let settings: Settings;
  try {
    settings = loadSettings(input);
  } catch (error) {
    assert.ok(error instanceof CodedError, `not a refusal: ${(error as Error).stack}`);
    assert.equal(error.code, "invalid_configuration");
    const problems = error.details["problems"] as readonly string[];
    assert.ok(problems.length > 0);
    for (const problem of problems) assertClear(problem);
    return "refused";
  }
  assertWithinBounds(settings);
  // What is shown of the settings gives the same settings; only of a password it is not shown what it is.
  const flags = Object.fromEntries(describeSettings(input).map(({ name, value }) => [name, value]));
  for (const [name, password] of Object.entries(passwordsOf(settings))) {
    assert.equal(flags[name], password === "" ? "" : "hidden");
    flags[name] = password;
  }
  assert.deepEqual(loadSettings({ flags, configPath: emptyPath }), settings);
  return "accepted";
}

function passwordsOf({ queue, store }: Settings): Record<string, string> {
  return {
    "queue.password": queue.security.password,
    "store.password": store.password,
  };
}

function assertClear(problem: string): void {
  assert.match(problem, origin);
  assert.doesNotMatch(problem, /\[native code\]|\[object /);
  assert.ok(problem.length < problemLengthMax, `a complaint of ${problem.length} characters`);
  if (/ is .*, expected /.test(problem)) assert.match(problem, names);
}

function assertWithinBounds(settings: Settings): void {
  const { port, queue, limits, dedup, retention, dimensions, adAttributes } = settings;
  assert.ok(Number.isInteger(port) && port >= 0 && port <= 65_535);
  assert.ok(queue.partitions >= 1 && queue.partitions <= 64);
  assert.ok(limits.itemsMax >= 1 && limits.waitingBytesMax >= limits.bodyBytesMax);
  assert.ok(
    dedup.recentMs >= 60_000 && dedup.recentMs <= Math.min(dedup.horizonMs, 10 * 86_400_000),
  );
  assert.ok(retention.rawMs >= dedup.horizonMs);
  for (const value of Object.values(settings).flatMap((part: unknown) =>
    typeof part === "object" && part !== null ? Object.values(part) : [part],
  ))
    if (typeof value === "number") assert.ok(Number.isSafeInteger(value) && value >= 0);
  const fields = dimensions.map(({ name }) => name);
  assert.equal(new Set(fields).size, fields.length);
  for (const name of [...fields, ...adAttributes]) assert.match(name, /^[a-z][a-z0-9_]{0,62}$/);
  for (const { in: place, type } of dimensions) {
    assert.ok(place === "minute" || place === "raw");
    assert.ok(["string", "ip", "country"].includes(type));
  }
}

/** `CLICKTALLY_PORT=1` is a variable, `--port=1` a flag. */
function inputOf(text: string): SettingsInput {
  const env: Record<string, string> = {};
  const flags: Partial<Record<SettingName, string>> = {};
  for (const line of text.split("\n")) {
    const [, sign, name = "", value = ""] = /^(--)?([^=]*)=?(.*)$/s.exec(line)!;
    if (sign !== undefined && isSettingName(name)) flags[name] = value;
    // The files that variables name are the operator's own.
    else if (!/_FILE$|^CLICKTALLY_CONFIG$/.test(name)) env[name] = value;
  }
  return { env, flags, configPath: emptyPath };
}

function anySettings(random: Random, mutator: Mutator): Uint8Array {
  const lines = Array.from({ length: random.between(1, 4) }, () => {
    const name = random.pick(settingNames);
    const value = random.pick([
      () => mutator.token(),
      () => `${random.between(-1, 100_000)}${random.pick(["", "s", "ms", "KB", "d", " h", "GiB"])}`,
      () => `{ ${mutator.token()}: { in: ${random.pick(["minute", "raw", mutator.token()])} } }`,
      () => `[${mutator.token()}, campaign_id]`,
    ])();
    return random.chance(0.5)
      ? `--${name}=${value}`
      : `CLICKTALLY_${name.replaceAll(".", "_").toUpperCase()}=${value}`;
  });
  return Buffer.from(lines.join("\n"));
}

const yamlTokens: readonly string[] = [
  ...settingNames.map((name) => `${name.split(".").at(-1)}: `),
  "\n",
  "  ",
  "- ",
  ": ",
  "&a ",
  "*a",
  "? ",
  "!!binary ",
  "%YAML 1.1\n---\n",
  "<<: ",
  "|\n",
  "#",
  "15s",
  "1GB",
  "400d",
  "{ in: raw }",
  "minute",
  "country",
  "constructor",
];

describe("hostile settings", () => {
  it("in a file are refused with the line and the key, or are what is shown of them", async (t) => {
    const tally = await fuzz({
      decoder: "config-file",
      mutants: 2000,
      dictionary: yamlTokens,
      check: (bytes) => {
        writeFileSync(path, bytes);
        return check({ configPath: path });
      },
      tell: (message) => t.diagnostic(message),
    });
    for (const word of ["accepted", "refused"])
      assert.ok(tally.get(word)! > 50, `${word}: ${tally.get(word)}`);
  });

  it("in variables and flags are refused by name, or are what is shown of them", async (t) => {
    const tally = await fuzz({
      decoder: "config-values",
      mutants: 5000,
      dictionary: ["\n--", "\nCLICKTALLY_", "15s", "1GB", "{ in: raw }", "[a, b]", "&a ", "*a"],
      check: (bytes) => check(inputOf(Buffer.from(bytes).toString())),
      make: anySettings,
      tell: (message) => t.diagnostic(message),
    });
    for (const word of ["accepted", "refused"])
      assert.ok(tally.get(word)! > 50, `${word}: ${tally.get(word)}`);
  });
});
