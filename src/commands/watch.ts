/** `watch`: follows log files and sends their clicks to a running service. */

import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { systemClock } from "../clock/system-clock.ts";
import { parseSource } from "../config/log-sources.ts";
import type { ValueProblem } from "../config/value-kinds.ts";
import { openLog } from "../logging/log.ts";
import { CodedError } from "../model/errors.ts";
import type { LogSource } from "../model/log-source.ts";
import { ClickSender } from "./click-sender.ts";
import { keyOption, serviceUrlOption } from "./client.ts";
import { ExitCode } from "./exit.ts";
import { stopSignal } from "./stop-signal.ts";

/** Between lines that tell how far it is. */
const tellEveryMs = 60_000;

interface WatchFlags {
  readonly url: string;
  readonly key?: string;
  readonly source: string;
  readonly format: string;
  readonly request?: string;
  readonly map: Readonly<Record<string, string>>;
  readonly state?: string;
}

export function registerWatch(program: Command): void {
  program
    .command("watch")
    .summary("follow log files and send their clicks to a running service")
    .description(
      "Reads log files from their start and follows them through rotations, until it is sent SIGTERM or SIGINT. Each line " +
        "counts once, whatever dies when: how far it has come is kept in --state, and a line that is sent again is known. " +
        "In the ledger the clicks have the name of the API key that they are sent with. A service can follow files by " +
        "itself too, see the setting `sources`.",
    )
    .argument("<glob...>", "log files; what they were rotated into is found beside them")
    .addOption(serviceUrlOption())
    .addOption(keyOption())
    .option(
      "--source <name>",
      "what these logs are called: part of what a line is known by",
      "logs",
    )
    .option(
      "--format <format>",
      "ndjson, csv, combined, or the text of nginx's log_format",
      "ndjson",
    )
    .option(
      "--request <template>",
      "lines are requests, and those for this path clicks: /c/{ad_id}",
    )
    .addOption(
      new Option("--map <field=name,...>", "what fields are read from: event_id=query.id")
        .default({}, "fields and names are the same; of requests their time and address")
        .argParser(parseMap),
    )
    .option("--state <directory>", "where positions and bad lines are kept (default: in your home)")
    .action(async (globs: string[], flags: WatchFlags) => {
      process.exitCode = await follow(globs, flags);
    });
}

function parseMap(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const map = { ...before };
  for (const pair of text.split(",")) {
    const [field, name, ...rest] = pair.split("=");
    if (!field || !name || rest.length > 0)
      throw new InvalidArgumentError(`"${pair}" is not of the form field=name`);
    map[field.trim()] = name.trim();
  }
  return map;
}

/** The exit code. */
async function follow(globs: readonly string[], flags: WatchFlags): Promise<number> {
  const source = sourceOf(globs, flags);
  const log = openLog({ level: "info", role: "watch" });
  const stop = new AbortController();
  // One attempt a time: the watcher tries again.
  const sender = new ClickSender({
    url: flags.url,
    ...(flags.key !== undefined && { key: flags.key }),
    giveUpMs: -1,
    signal: stop.signal,
  });
  const { LogWatcher } = await import("../ingest/logs/log-watcher.ts");
  const asked = stopSignal();
  const watcher = new LogWatcher({
    source,
    clock: systemClock,
    directory: flags.state ?? stateDirectory(flags.url),
    take: (body) => sender.send(body.toString()),
    onProblem: (what) => log.warn(what),
  });
  log.info({ source: source.name, files: source.files }, "log files are followed");
  const telling = setInterval(
    () => log.info(watcher.status, "log files are followed"),
    tellEveryMs,
  );
  const signal = await asked;
  clearInterval(telling);
  stop.abort();
  await watcher[Symbol.asyncDispose]();
  log.info({ signal, ...watcher.status }, "log files are followed no more");
  return ExitCode.done;
}

function sourceOf(globs: readonly string[], flags: WatchFlags): LogSource {
  const problems: ValueProblem[] = [];
  const { format, request, map } = flags;
  const files = globs.map((path) => resolve(path));
  const value = { files, format, map, ...(request !== undefined && { request }) };
  const source = parseSource(flags.source, value, problems);
  const [problem] = problems;
  if (!problem) return source;
  const member = problem.at?.slice(flags.source.length + 2) || "source";
  const message = `--${member} is ${JSON.stringify(problem.found)}, expected ${problem.expected}`;
  throw new CodedError("invalid_configuration", message, { field: member });
}

function stateDirectory(url: string): string {
  const stateHome = process.env["XDG_STATE_HOME"] ?? join(homedir(), ".local", "state");
  return join(stateHome, "clicktally", "watch", encodeURIComponent(url));
}
