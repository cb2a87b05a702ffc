/** `audit`: recount from raw clicks, compare with the minute store. */

import type { Command } from "commander";
import { loadSettings } from "../config.ts";
import type { Settings } from "../config.ts";
import type { AuditAnswer, AuditRequest } from "../query/recount.ts";
import { caughtUp } from "./caught-up.ts";
import type { ServiceAddress } from "./client.ts";
import { ApiClient, keyOption } from "./client.ts";
import { ExitCode } from "./exit.ts";
import { withOwnService } from "./own-service.ts";
import { addSettingsOptions, settingsInputOf } from "./settings-options.ts";
import { formatRows } from "./table.ts";

type AuditFlags = Readonly<Record<string, unknown>> & {
  readonly url?: string;
  readonly key?: string;
  readonly from?: string;
  readonly to?: string;
  readonly sample?: string;
  readonly seed?: string;
  readonly json?: true;
};

export function registerAudit(program: Command): void {
  addSettingsOptions(program.command("audit"))
    .summary("recount from raw clicks and compare with the minute counts")
    .description(
      "Recounts every minute row from the raw clicks, compares, and checks the ledger. Exits 1 where something differs. " +
        "Without --url it opens the data directory itself, which no service may have open.",
    )
    .option("--url <url>", "ask this running service")
    .addOption(keyOption())
    .option(
      "--from <time>",
      "start of the event times to check, inclusive (default: all that is kept)",
    )
    .option("--to <time>", "their end, exclusive")
    .option("--sample <minutes>", "only so many minutes of them, drawn at random")
    .option("--seed <number>", "draws the same minutes again (default: others each time)")
    .option("--json", "print the answer as JSON")
    .action(async (flags: AuditFlags) => {
      const { url, key, from, to, sample, seed } = flags;
      const request = {
        ...(from !== undefined && { from }),
        ...(to !== undefined && { to }),
        ...(sample !== undefined && { sample }),
        ...(seed !== undefined && { seed }),
      };
      const answer =
        url === undefined
          ? await auditDirectory(loadSettings(settingsInputOf(flags)), request)
          : await auditService({ url, key }, request);
      if (flags.json) console.log(JSON.stringify(answer));
      else printAudit(answer);
      process.exitCode = auditExitCode(answer);
    });
}

function auditService(
  service: ServiceAddress,
  request: AuditRequest & Record<string, string>,
): Promise<AuditAnswer> {
  return new ApiClient(service).post<AuditAnswer>("/v1/admin/audit", request);
}

export function auditDirectory(settings: Settings, request: AuditRequest): Promise<AuditAnswer> {
  return withOwnService(settings, async ({ query }) => {
    // A service that was stopped may have left clicks in its queue that no commit has seen yet.
    await caughtUp(() => query.status());
    return await query.audit(request);
  });
}

/** 0 where nothing is wrong, else 1. */
export function auditExitCode({ differing_rows, ledger_balanced }: AuditAnswer): number {
  return differing_rows === 0 && ledger_balanced ? ExitCode.done : ExitCode.found;
}

export function printAudit(answer: AuditAnswer): void {
  const {
    differences,
    differing_rows: differing,
    compared_rows: rows,
    compared_clicks: clicks,
  } = answer;
  const range = answer.from === null ? "nothing is kept yet" : `${answer.from} to ${answer.to}`;
  if (answer.seed !== null)
    console.log(`a sample of ${answer.checked_minutes} minutes, seed ${answer.seed}`);
  console.log(
    `${range}, as of commit ${answer.as_of}: compared ${rows} minute rows of ${clicks} clicks`,
  );
  const { days_left_out: leftOut } = answer;
  if (leftOut.length > 0)
    console.log(
      `left out: ${leftOut.length} days whose clicks are kept no more, ${leftOut[0]} to ${leftOut.at(-1)}`,
    );
  if (differences.length > 0) {
    const columns = [...new Set(differences.flatMap((row) => Object.keys(row)))];
    console.log(formatRows(columns, differences));
  }
  if (differing > differences.length) console.log(`and ${differing - differences.length} more`);
  console.log(differing === 0 ? "no differences" : `${differing} ROWS DIFFER`);
  console.log(answer.ledger_balanced ? "the ledger balances" : "THE LEDGER DOES NOT BALANCE");
}
