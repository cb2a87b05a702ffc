/** `import`: history from files, into a stopped data directory or a running service. */

import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import { basename } from "node:path";
import type { Settings } from "../config.ts";
import { loadSettings } from "../config.ts";
import { fileFormats, formatOfName } from "../ingest/import/source-blocks.ts";
import type { FileFormat } from "../ingest/import/source-blocks.ts";
import type { ImportResult } from "../ingest/import/import-file.ts";
import { importFile } from "../ingest/import/import-file.ts";
import { CodedError } from "../model/errors.ts";
import { importSource } from "../model/source.ts";
import { keyOption } from "./client.ts";
import { ExitCode } from "./exit.ts";
import type { ImportTarget, OutcomeTotals } from "./import-target.ts";
import { localTarget, remoteTarget } from "./import-target.ts";
import { ProgressBar } from "./progress-bar.ts";
import { addSettingsOptions, settingsInputOf } from "./settings-options.ts";

/** Rejected rows that are told one by one. */
const toldRejectsMax = 20;

interface ImportFlags {
  readonly map: Readonly<Record<string, string>>;
  readonly timeZone: string;
  readonly format?: FileFormat;
  readonly url?: string;
  readonly key?: string;
  /** Settings by flag. */
  readonly [setting: string]: unknown;
}

export function registerImport(program: Command): void {
  addSettingsOptions(program.command("import"))
    .summary("take in history from NDJSON, CSV or Parquet files")
    .description(
      "Takes in clicks of any age, in any order, each exactly once: importing a file again changes nothing, and an " +
        "interrupted import goes on where it stopped. Without --url it opens the data directory itself, which no " +
        "service may have open. Rows without an event_id are known by their content and by how many equal rows came " +
        "before in the file. Exits 1 where rows were rejected, 3 where it could not finish.",
    )
    .argument(
      "<file...>",
      "NDJSON, CSV (with a header row) or Parquet, the first two also .gz and .zst",
    )
    .addOption(
      new Option("--map <field=column,...>", "columns to read fields from, where the names differ")
        .default({}, "fields and columns have the same names")
        .argParser(parseMap),
    )
    .option(
      "--time-zone <zone>",
      "IANA zone of times without an offset, such as `2017-11-07 9:30`",
      "UTC",
    )
    .addOption(
      new Option("--format <format>", "instead of what the name's ending says").choices(
        fileFormats,
      ),
    )
    .option("--url <url>", "import into this running service")
    .addOption(keyOption())
    .action(async (files: string[], flags: ImportFlags) => {
      process.exitCode = await importFiles(files, flags);
    });
}

function parseMap(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const map: Record<string, string> = { ...before };
  for (const pair of text.split(",")) {
    const [field, column, ...rest] = pair.split("=");
    if (!field || !column || rest.length > 0) {
      throw new InvalidArgumentError(`"${pair}" is not of the form field=column`);
    }
    map[field.trim()] = column.trim();
  }
  return map;
}

/** The exit code. */
async function importFiles(files: readonly string[], flags: ImportFlags): Promise<number> {
  const settings = loadSettings(settingsInputOf(flags));
  checkMap(flags.map, settings);
  const named = files.map((path) => ({ path, format: flags.format ?? formatOf(path) }));
  if (flags.url !== undefined)
    return importInto(remoteTarget({ url: flags.url, key: flags.key }), named, flags, settings);
  const { startService } = await import("../main.ts");
  await using service = await startService(settings, { listen: false });
  const failed = service.stopped.then(() => new Promise<never>(() => {}));
  return await Promise.race([
    importInto(localTarget(service, settings), named, flags, settings),
    failed,
  ]);
}

function checkMap(map: Readonly<Record<string, string>>, { dimensions }: Settings): void {
  const fields = ["ad_id", "click_timestamp", "event_id", ...dimensions.map(({ name }) => name)];
  const columns = fields.map((field) => map[field] ?? field);
  for (const field of Object.keys(map)) {
    if (fields.includes(field)) continue;
    throw new CodedError(
      "invalid_parameter",
      `--map: there is no field ${field}; fields are ${fields.join(", ")}`,
    );
  }
  const taken = columns.find((column, i) => columns.indexOf(column) !== i);
  if (taken === undefined) return;
  throw new CodedError(
    "invalid_parameter",
    `--map: two fields would be read from the column "${taken}"`,
  );
}

function formatOf(path: string): FileFormat {
  const format = formatOfName(path);
  if (format !== undefined) return format;
  throw new CodedError(
    "invalid_parameter",
    `${path}: its name does not say what it is; give --format`,
  );
}

async function importInto(
  target: ImportTarget,
  files: readonly { readonly path: string; readonly format: FileFormat }[],
  flags: ImportFlags,
  settings: Settings,
): Promise<number> {
  let rejectedRows = 0;
  for (const { path, format } of files) {
    const startMs = Date.now();
    const source = importSource(basename(path));
    await target.caughtUp();
    const before = await target.outcomesSince(source, startMs);
    const progress = new ProgressBar({ label: basename(path), unit: "rows" });
    let toldRejects = 0;
    const result = await importFile({
      path,
      format,
      map: flags.map,
      timeZone: flags.timeZone,
      layout: settings.dimensions,
      rules: {
        unknownFields: settings.unknownFields,
        missingEventId: settings.dedup.missingEventId,
        maxFutureMs: settings.watermark.maxFutureMs,
      },
      append: target.append,
      stateDirectory: target.stateDirectory,
      onProgress: ({ rows, done, total }) => progress.update(total === 0 ? 1 : done / total, rows),
      onReject: (row, { field, code, message }) => {
        if (toldRejects++ < toldRejectsMax) {
          progress.print(
            `${basename(path)} row ${row}: ${code}${field ? ` (${field})` : ""}: ${message}`,
          );
        }
      },
    }).finally(() => progress.finish());
    await target.caughtUp();
    const after = await target.outcomesSince(source, startMs);
    printResult(basename(path), result, before, after, (Date.now() - startMs) / 1000);
    rejectedRows += sum(Object.values(result.rejected));
  }
  return rejectedRows === 0 ? ExitCode.done : ExitCode.found;
}

function printResult(
  file: string,
  result: ImportResult,
  before: OutcomeTotals,
  after: OutcomeTotals,
  seconds: number,
): void {
  const { rows, accepted, rejected, unknownFields, resumedRows, importedBefore } = result;
  const rate = Math.round((rows - resumedRows) / Math.max(seconds, 0.001));
  const byCode = Object.entries(rejected).map(([code, count]) => `${code} ${count}`);
  if (importedBefore !== undefined)
    console.log(`${file}: imported before, at ${importedBefore}; imported again`);
  if (resumedRows > 0)
    console.log(`${file}: went on after ${resumedRows} rows of an interrupted import`);
  console.log(
    `${file}: rows ${rows} accepted ${accepted} rejected ${sum(Object.values(rejected))}` +
      `${byCode.length > 0 ? ` (${byCode.join(", ")})` : ""}, ${seconds.toFixed(1)} s, ${rate} clicks/s`,
  );
  if (unknownFields > 0)
    console.log(`${file}: ignored ${unknownFields} values of undeclared fields`);
  const names = ["counted", "duplicate", "restated", "quarantined", "expired"] as const;
  console.log(`${file}: ${names.map((name) => `${name} ${after[name] - before[name]}`).join(" ")}`);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
