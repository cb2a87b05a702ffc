/** `export`: clicks or minute counts to files, one a UTC day. */

import type { Command } from "commander";
import { Option } from "commander";
import { resolve } from "node:path";
import type { ExportDayAnswer, ExportDayRequest } from "../backup/backup-service.ts";
import { loadSettings } from "../config.ts";
import { caughtUp } from "./caught-up.ts";
import { keyOption } from "./client.ts";
import { ExitCode } from "./exit.ts";
import { longPost } from "./long-request.ts";
import { withOwnService } from "./own-service.ts";
import { ProgressBar } from "./progress-bar.ts";
import { addSettingsOptions, settingsInputOf } from "./settings-options.ts";

type ExportFlags = Readonly<Record<string, unknown>> & {
  readonly toDir: string;
  readonly format: string;
  readonly what: string;
  readonly from?: string;
  readonly to?: string;
  readonly url?: string;
  readonly key?: string;
  readonly json?: true;
};

type ExportDay = (request: ExportDayRequest) => Promise<ExportDayAnswer>;

export function registerExport(program: Command): void {
  addSettingsOptions(program.command("export"))
    .summary("write clicks or minute counts to Parquet or CSV files")
    .description(
      "One file a UTC day, such as clicks-2026-01-31.parquet: the clicks one by one with what became of each, or the minute " +
        "counts by ad and minute dimensions. With --url it is the running service that writes them, on its own machine, each " +
        "of one commit. Without, it opens the data directory itself, which no service may have open. Overwrites nothing.",
    )
    .requiredOption("--to-dir <dir>", "where the files go, made where it is missing")
    .addOption(
      new Option("--format <format>", "of the files")
        .choices(["parquet", "csv"])
        .default("parquet"),
    )
    .addOption(
      new Option("--what <what>", "what is in them")
        .choices(["clicks", "minutes"])
        .default("clicks"),
    )
    .option("--from <time>", "start of event times, inclusive (default: the first that is kept)")
    .option("--to <time>", "their end, exclusive (default: behind the last that is kept)")
    .option("--url <url>", "of this running service")
    .addOption(keyOption())
    .option("--json", "print what became of each day as JSON, a line each")
    .action(async (flags: ExportFlags) => {
      const { url, key } = flags;
      if (url === undefined) await exportDirectory(flags);
      else
        await exportDays((request) => longPost({ url, key }, "/v1/admin/export", request), flags);
      process.exitCode = ExitCode.done;
    });
}

async function exportDirectory(flags: ExportFlags): Promise<void> {
  const settings = loadSettings(settingsInputOf(flags));
  await withOwnService(settings, async ({ query, exports }) => {
    await caughtUp(() => query.status());
    await exportDays((request) => exports.exportDay(request), flags);
  });
}

async function exportDays(exportDay: ExportDay, flags: ExportFlags): Promise<void> {
  const { format, what, from, to, json } = flags;
  const request = { dir: resolve(flags.toDir), format, what, ...(to !== undefined && { to }) };
  const bar = new ProgressBar({ label: "export", unit: "rows" });
  let rows = 0;
  let files = 0;
  let firstMs: number | undefined;
  let nextFrom = from ?? null;
  do {
    const day = await exportDay({ ...request, ...(nextFrom !== null && { from: nextFrom }) });
    nextFrom = day.next_from;
    rows += day.rows;
    if (day.path !== null) files++;
    bar.clear();
    if (json) console.log(JSON.stringify(day));
    else if (day.path !== null) console.log(`${day.path}: ${day.rows} rows, ${day.bytes} bytes`);
    if (day.from === null || day.to === null) break;
    firstMs ??= Date.parse(day.from);
    // How far it goes is known where it was asked for; else it is some days up to now.
    const endMs = to === undefined ? Date.now() : (timeOf(to) ?? Date.now());
    bar.update((Date.parse(day.to) - firstMs) / Math.max(1, endMs - firstMs), rows);
  } while (nextFrom !== null);
  bar.finish();
  if (!json) console.log(`${rows} rows in ${files} files`);
}

function timeOf(text: string): number | undefined {
  const time = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}
