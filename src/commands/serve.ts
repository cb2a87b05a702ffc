/** `serve`: the whole service in one process, or one role of it. */

import type { Command } from "commander";
import { describeSettings, loadSettings } from "../config.ts";
import { openLog } from "../logging/log.ts";
import { ExitCode } from "./exit.ts";
import { stopSignal } from "./stop-signal.ts";
import { addSettingsOptions, settingsInputOf } from "./settings-options.ts";

export function registerServe(program: Command): void {
  addSettingsOptions(program.command("serve"))
    .summary("run the service")
    .description(
      "Takes in clicks over HTTP, counts them and answers queries, until it is sent SIGTERM or SIGINT; then it " +
        "finishes what runs. A second signal ends it at once: nothing that was acknowledged is lost by that.",
    )
    .action(async (flags: Record<string, unknown>) => {
      process.exitCode = await serve(flags, program.version() ?? "");
    });
}

/** The exit code. */
async function serve(flags: Readonly<Record<string, unknown>>, version: string): Promise<number> {
  const input = settingsInputOf(flags);
  const settings = loadSettings(input);
  const log = openLog({ level: settings.logLevel, role: settings.role });
  const startMs = performance.now();
  // Secrets are shown as such. The others have their defaults.
  const given = describeSettings(input).filter(({ origin }) => origin !== "default");
  log.info(
    {
      version,
      node: process.version,
      settings: Object.fromEntries(given.map(({ name, value }) => [name, value])),
    },
    "clicktally starts",
  );
  const asked = stopSignal();
  const { startService } = await import("../main.ts");
  const starting = startService(settings, { listen: true, log, onFirstKey });
  // A start that waits for others may take for ever; nothing that was acknowledged is lost where it is given up.
  const isGivenUp = await Promise.race([asked.then(() => true), starting.then(() => false)]);
  if (isGivenUp) process.exit(ExitCode.done);
  {
    await using service = await starting;
    log.info({ url: service.url, seconds: secondsSince(startMs) }, "clicktally is ready");
    console.log(`clicktally listens on ${service.url} (API: ${service.url}/docs)`);
    const signal = await Promise.race([asked, service.stopped]);
    log.info({ signal }, "clicktally stops");
  }
  log.info("clicktally has stopped");
  return ExitCode.done;
}

/** Not in the log, which is kept. */
function onFirstKey(key: string): void {
  console.log(`clicktally has made its first API key, for everything, told only this once: ${key}`);
}

function secondsSince(startMs: number): number {
  return Math.round(performance.now() - startMs) / 1000;
}
