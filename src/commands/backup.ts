/** `backup`: of a running service or a stopped data directory, once or every so often. */

import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { resolve } from "node:path";
import { setTimeout as timeout } from "node:timers/promises";
import type { BackupAnswer, BackupRequest } from "../backup/backup-service.ts";
import { loadSettings } from "../config.ts";
import { parseDuration } from "../config/units.ts";
import { CodedError } from "../model/errors.ts";
import type { StatusAnswer } from "../query/query-service.ts";
import { copiedShare } from "./backup/copied-share.ts";
import { ApiClient, keyOption } from "./client.ts";
import { ExitCode, messageOf } from "./exit.ts";
import { longPost } from "./long-request.ts";
import { withOwnService } from "./own-service.ts";
import { ProgressBar } from "./progress-bar.ts";
import { addSettingsOptions, settingsInputOf } from "./settings-options.ts";

const keptByDefault = 12;

type BackupFlags = Readonly<Record<string, unknown>> & {
  readonly every?: number;
  readonly keep?: number;
  readonly url?: string;
  readonly key?: string;
  readonly json?: true;
};

export function registerBackup(program: Command): void {
  addSettingsOptions(program.command("backup"))
    .summary("copy all data of a service into a directory of backups")
    .description(
      "Writes DIR/2026-01-31T12-00-00Z, checked by `restore`. With --url it is the running service that writes it, on " +
        "its own machine, beside live traffic: it holds every click that was acknowledged before it began. Without, it " +
        "opens the data directory itself, which no service may have open.",
    )
    .argument("<dir>", "directory of backups, made where it is missing")
    .option("--every <length>", "go on until stopped, one every `5m`, `1h`, …", parseEvery)
    .option(
      "--keep <count>",
      `leave so many of the newest, delete older ones (default: ${keptByDefault} with --every, else all)`,
      parseKeep,
    )
    .option("--url <url>", "of this running service")
    .addOption(keyOption())
    .option("--json", "print each backup as JSON, a line each")
    .action(async (dir: string, flags: BackupFlags) => {
      process.exitCode = await backup(resolve(dir), flags);
    });
}

function parseEvery(text: string): number {
  const length = parseDuration(text);
  if (length === undefined || length < 1000 || length > 86_400_000)
    throw new InvalidArgumentError(`"${text}" is no length of time from 1s to 24h, such as 5m`);
  return length;
}

function parseKeep(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text))
    throw new InvalidArgumentError(`"${text}" is not a whole number from 1 to 9999`);
  return Number(text);
}

/** The exit code. */
async function backup(dir: string, flags: BackupFlags): Promise<number> {
  const { every, url, key, keep = every === undefined ? undefined : keptByDefault } = flags;
  const request: BackupRequest = { dir, ...(keep === undefined ? {} : { keep }) };
  if (url === undefined) {
    if (every !== undefined) {
      const what = "--every: what is stopped does not change; name a running service by --url";
      throw new CodedError("invalid_parameter", what, { field: "every" });
    }
    printBackup(await backupDirectory(flags, request), flags);
    return ExitCode.done;
  }
  const write = async (): Promise<void> =>
    printBackup(
      await ProgressBar.during(
        { label: "backup" },
        longPost<BackupAnswer>({ url, key }, "/v1/admin/backup", request),
        copiedShare(dir, () => new ApiClient({ url, key }).get<StatusAnswer>("/v1/status")),
      ),
      flags,
    );
  await write();
  if (every !== undefined) await repeat(write, every);
  return ExitCode.done;
}

/**
 * Until SIGTERM or SIGINT. One that fails is told, and the next one tried: a service that restarts must not end its
 * backups.
 */
async function repeat(write: () => Promise<void>, everyMs: number): Promise<void> {
  const stop = new AbortController();
  process.once("SIGTERM", () => stop.abort()).once("SIGINT", () => stop.abort());
  const startMs = performance.now();
  for (let turn = 1; ; turn++) {
    const nowMs = performance.now();
    // Turns that a long backup has missed are left out.
    turn = Math.max(turn, Math.ceil((nowMs - startMs) / everyMs));
    const pauseMs = startMs + turn * everyMs - nowMs;
    const isStopped = await timeout(pauseMs, false, { signal: stop.signal }).catch(() => true);
    if (isStopped) return;
    await write().catch((error: unknown) => console.error(`clicktally: ${messageOf(error)}`));
  }
}

function backupDirectory(flags: BackupFlags, request: BackupRequest): Promise<BackupAnswer> {
  const settings = loadSettings(settingsInputOf(flags));
  return withOwnService(settings, ({ backups, query }) =>
    ProgressBar.during(
      { label: "backup" },
      backups.backup(request),
      copiedShare(request.dir, () => query.status()),
    ),
  );
}

function printBackup(answer: BackupAnswer, { json }: BackupFlags): void {
  if (json) {
    console.log(JSON.stringify(answer));
    return;
  }
  const { path, created_at, as_of, bytes, deleted } = answer;
  console.log(`${path}: ${bytes} bytes, every click acknowledged before ${created_at}`);
  console.log(
    `  store as of commit ${as_of}${deleted.map((name) => `, deleted ${name}`).join("")}`,
  );
}
