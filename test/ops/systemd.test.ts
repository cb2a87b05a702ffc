import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { settingNames, variableOf } from "../../src/config/keys.ts";
import { loadSettings } from "../../src/config.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { check, missingPrograms } from "./programs.ts";
import { opsDirectory } from "./rules.ts";

const unit = readFileSync(join(opsDirectory, "clicktally.service"), "utf8");
/** Of ten at most, by systemd's own reckoning: what listens and writes data can't come to none. */
const exposureMax = 1.5;

const values = (name: string): string[] =>
  unit
    .split("\n")
    .flatMap((line) => (line.startsWith(`${name}=`) ? [line.slice(name.length + 1)] : []));

const skip = missingPrograms("systemd-analyze") ?? false;

describe("ops/clicktally.service", () => {
  it("starts the command with settings that it knows, in the directories that systemd makes for it", () => {
    assert.deepEqual(values("ExecStart"), ["clicktally serve"]);
    const own = values("Environment").filter((variable) => variable.startsWith("CLICKTALLY_"));
    const env = Object.fromEntries(own.map((variable) => variable.split("=") as [string, string]));
    assert.deepEqual(env, { CLICKTALLY_DATA_DIR: "%S/clicktally" });
    const known = new Set(settingNames.map(variableOf));
    for (const variable of Object.keys(env)) assert.ok(known.has(variable), variable);
    for (const made of ["StateDirectory", "CacheDirectory", "ConfigurationDirectory", "User"])
      assert.deepEqual(values(made), ["clicktally"], made);
    const [files] = values("LimitNOFILE");
    assert.ok(Number(files) > 2 * loadSettings({ env }).limits.connectionsMax);
  });

  // V8 writes code and runs it.
  it("leaves out the one lock under which no JavaScript runs", () =>
    assert.deepEqual(values("MemoryDenyWriteExecute"), ["no"]));

  it(
    "is a unit that systemd takes without a complaint, and finds well locked up",
    { skip },
    async () => {
      await using directory = await temporaryDirectory();
      const path = join(directory.path, "clicktally.service");
      // The command is not installed here, and systemd looks for it.
      const installed = unit.replace("ExecStart=clicktally ", `ExecStart=${process.execPath} `);
      await writeFile(path, installed);
      assert.equal(await check("systemd-analyze", ["verify", path]), "");
      const told = await check("systemd-analyze", [
        "security",
        "--offline=yes",
        "--no-pager",
        path,
      ]);
      const [, exposure] = /Overall exposure level for clicktally\.service: ([\d.]+) /.exec(told)!;
      assert.ok(Number(exposure) <= exposureMax, told);
      await writeFile(path, installed.replace("ProtectSystem", "ProtectSystm"));
      await assert.rejects(async () => {
        assert.equal(await check("systemd-analyze", ["verify", path]), "");
      });
    },
  );
});
