/** What answers look like: a table for people, JSON (a line each) or CSV for programs. */

import type { Command } from "commander";
import { Option } from "commander";

export interface OutputFlags {
  readonly json?: true;
  readonly csv?: true;
}

export function addOutputOptions(command: Command): Command {
  return command
    .addOption(new Option("--json", "print the answer as JSON, a line each").conflicts("csv"))
    .addOption(new Option("--csv", "print CSV with a header row"));
}

export function addRangeOptions(command: Command): Command {
  return command
    .option("--window <length>", "the last so many minutes, or 15m, 2h, 7d (default: 60m)")
    .addOption(
      new Option("--end <where>", "final: the window ends where minutes are final").choices([
        "final",
      ]),
    )
    .option("--from <time>", "start, inclusive: RFC 3339 or epoch milliseconds")
    .option("--to <time>", "end, exclusive");
}

export interface RangeFlags {
  readonly window?: string;
  readonly end?: string;
  readonly from?: string;
  readonly to?: string;
}

/** The last hour where nothing else is asked for. */
export function rangeParameters({
  window,
  end,
  from,
  to,
}: RangeFlags): Record<string, string | undefined> {
  const isOpen = window === undefined && from === undefined && to === undefined;
  return { window: isOpen ? "60m" : window, end, from, to };
}
