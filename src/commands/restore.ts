/** `restore`: a data directory from a backup, counted to its end and audited. */

import type { Command } from "commander";
import { restoreBackup } from "../backup/restore-backup.ts";
import type { Restored } from "../backup/restore-backup.ts";
import { loadSettings } from "../config.ts";
import type { Settings } from "../config.ts";
import type { AuditAnswer } from "../query/recount.ts";
import { auditDirectory, auditExitCode, printAudit } from "./audit.ts";
import { ProgressBar } from "./progress-bar.ts";
import { addSettingsOptions, settingsInputOf } from "./settings-options.ts";

export function registerRestore(program: Command): void {
  addSettingsOptions(program.command("restore"))
    .summary("make a data directory from a backup, and audit it")
    .description(
      "Checks every file against the backup's manifest, copies it into data_dir, which must be empty or missing, counts " +
        "what its queue still holds, and audits everything. Exits 1 where the audit finds something.",
    )
    .argument("<backup>", "a backup, or a directory of backups: then the newest")
    .option("--json", "print the answer as JSON")
    .action(async (from: string, flags: Readonly<Record<string, unknown>>) => {
      const settings = loadSettings(settingsInputOf(flags));
      const restored = await copyBackup(from, settings);
      const audit = await auditDirectory(settings, {});
      if (flags["json"]) console.log(JSON.stringify(answerOf(restored, settings, audit)));
      else printRestored(restored, settings, audit);
      process.exitCode = auditExitCode(audit);
    });
}

async function copyBackup(from: string, settings: Settings): Promise<Restored> {
  const bar = new ProgressBar({ label: "restore", unit: "bytes" });
  try {
    const onProgress = (share: number, bytes: number): void => bar.update(share, bytes);
    return await restoreBackup({ from, to: settings.dataDir, onProgress });
  } finally {
    bar.finish();
  }
}

function answerOf({ path, manifest }: Restored, { dataDir }: Settings, audit: AuditAnswer): object {
  const { created_at, as_of } = manifest;
  return { backup: path, data_dir: dataDir, created_at, as_of, audit };
}

function printRestored(
  { path, manifest }: Restored,
  { dataDir }: Settings,
  audit: AuditAnswer,
): void {
  console.log(`${dataDir} is restored from ${path}`);
  console.log(`it has every click that was acknowledged before ${manifest.created_at}`);
  printAudit(audit);
}
