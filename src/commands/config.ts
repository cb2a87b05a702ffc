/** `config check`: is the configuration right, and what does it come to? */

import type { Command } from "commander";
import { describeSettings, loadSettings } from "../config.ts";
import { CodedError } from "../model/errors.ts";
import { ExitCode } from "./exit.ts";
import { addSettingsOptions, settingsInputOf } from "./settings-options.ts";
import { formatTable } from "./table.ts";

export function registerConfig(program: Command): void {
  const config = program
    .command("config")
    .summary("check the configuration")
    .description("Looks at the configuration.");
  addSettingsOptions(config.command("check"))
    .summary("check flags, variables and the file, and list every setting with its origin")
    .description(
      "Checks flags, variables and the file as `serve` would, and lists every setting with its value and origin. " +
        "Exits 1 where something is wrong.",
    )
    .option("--json", "print JSON")
    .action((flags: Record<string, unknown>) => {
      process.exitCode = checkConfig(flags);
    });
}

/** The exit code. */
function checkConfig(flags: Readonly<Record<string, unknown>>): number {
  const input = settingsInputOf(flags);
  const isJson = flags["json"] === true;
  try {
    loadSettings(input);
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== "invalid_configuration") throw error;
    if (isJson) console.log(JSON.stringify({ valid: false, problems: error.details["problems"] }));
    else console.error(error.message);
    return ExitCode.found;
  }
  const settings = describeSettings(input);
  if (isJson) console.log(JSON.stringify({ valid: true, settings }));
  else {
    console.log(
      formatTable(
        ["setting", "from", "value"],
        settings.map(({ name, value, origin }) => [name, origin, value]),
      ),
    );
  }
  return ExitCode.done;
}
