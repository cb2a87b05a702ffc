/** Every setting as a flag, for the commands that run a service or look into its data directory. */

import type { Command } from "commander";
import { Option } from "commander";
import type { SettingName } from "../config/keys.ts";
import { flagOf, settingKeys, settingNames } from "../config/keys.ts";
import type { SettingsInput } from "../config.ts";

/** The ones that `--help` lists; the others would drown them. */
const listed: ReadonlySet<SettingName> = new Set(["host", "port", "data_dir", "log.level"]);

export function addSettingsOptions(command: Command): Command {
  command.option(
    "--config <file>",
    "configuration file (default: clicktally.yaml where there is one)",
  );
  for (const name of settingNames) {
    const option = new Option(`${flagOf(name)} <value>`, settingKeys[name].about);
    command.addOption(listed.has(name) ? option : option.hideHelp());
  }
  return command.addHelpText(
    "after",
    "\nEvery setting has a flag and a variable: watermark.idle_lag is --watermark-idle-lag and\n" +
      "CLICKTALLY_WATERMARK_IDLE_LAG. `clicktally config check` lists them with their values.",
  );
}

/** What the flags, the environment and the file give. */
export function settingsInputOf(flags: Readonly<Record<string, unknown>>): SettingsInput {
  const given: Partial<Record<SettingName, string>> = {};
  for (const name of settingNames) {
    const value = flags[new Option(`${flagOf(name)} <value>`).attributeName()];
    if (typeof value === "string") given[name] = value;
  }
  const configPath = flags["config"];
  return {
    flags: given,
    env: process.env,
    ...(typeof configPath === "string" ? { configPath } : {}),
  };
}
