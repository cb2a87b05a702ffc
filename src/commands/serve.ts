/** `serve`: the whole service in one process, or one role of it. */

import type { Command } from "commander";
import { loadSettings } from "../config.ts";
import { ExitCode } from "./exit.ts";
import { addSettingsOptions, settingsInputOf } from "./settings-options.ts";

export function registerServe(program: Command): void {
  addSettingsOptions(program.command("serve"))
    .summary("run the service")
    .description(
      "Takes in clicks over HTTP, counts them and answers queries, until it is sent SIGTERM or SIGINT; then it " +
        "finishes what runs. A second signal ends it at once: nothing that was acknowledged is lost by that.",
    )
    .action(async (flags: Record<string, unknown>) => {
      process.exitCode = await serve(flags);
    });
}

/** The exit code. */
async function serve(flags: Readonly<Record<string, unknown>>): Promise<number> {
  const settings = loadSettings(settingsInputOf(flags));
  const asked = stopSignal();
  const { startService } = await import("../main.ts");
  const starting = startService(settings, {
    listen: true,
    onProblem: (what, error) => {
      if (settings.logLevel !== "silent")
        console.error(error === undefined ? what : `${what}: ${error}`);
    },
  });
  // A start that waits for others may take for ever; nothing that was acknowledged is lost where it is given up.
  const isGivenUp = await Promise.race([asked.then(() => true), starting.then(() => false)]);
  if (isGivenUp) process.exit(ExitCode.done);
  await using service = await starting;
  console.log(`clicktally listens on ${service.url} (API: ${service.url}/docs)`);
  await Promise.race([asked, service.stopped]);
  return ExitCode.done;
}

/** Resolves at the first SIGTERM or SIGINT; the second ends the process. */
function stopSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let signals = 0;
  const onSignal = (): void => {
    if (++signals > 1) process.exit(ExitCode.failed);
    resolve();
  };
  process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
  return promise;
}
