/** `recompute`: count final minutes anew from raw clicks; say what differs, apply it, undo it. */

import type { Command } from "commander";
import { Option } from "commander";
import type { RecomputeAnswer } from "../query/recount.ts";
import { ApiClient, keyOption, serviceUrlOption } from "./client.ts";
import { ExitCode } from "./exit.ts";
import { ProgressBar } from "./progress-bar.ts";
import { formatRows } from "./table.ts";

interface RecomputeFlags {
  readonly url: string;
  readonly key?: string;
  readonly from?: string;
  readonly to?: string;
  readonly late?: string;
  readonly apply?: true;
  readonly reason: string;
  readonly rollback?: string | true;
  readonly json?: true;
}

export function registerRecompute(program: Command): void {
  program
    .command("recompute")
    .summary("count final minutes anew from raw clicks")
    .description(
      "Says what would change, and exits 1 where anything would. --apply changes it beside what comes in: each count " +
        "that changes gets a higher revision and a journal entry (query restatements).",
    )
    .addOption(serviceUrlOption())
    .addOption(keyOption())
    .option("--from <time>", "start of the event times, inclusive: RFC 3339 or epoch milliseconds")
    .option("--to <time>", "their end, exclusive; the minutes before it must be final")
    .addOption(
      new Option("--late <policy>", "what late clicks of these minutes are to become").choices([
        "restate",
        "quarantine",
      ]),
    )
    .option("--apply", "apply it")
    .option("--reason <text>", "why, for the record", "asked for on the command line")
    .addOption(
      new Option("--rollback [id]", "undo the last recompute that was applied").conflicts([
        "from",
        "to",
        "late",
        "apply",
      ]),
    )
    .option("--json", "print the answer as JSON")
    .action(async ({ url, key, json, rollback, ...flags }: RecomputeFlags) => {
      const body =
        rollback === undefined
          ? flags
          : { rollback: rollback === true ? "last" : rollback, reason: flags.reason };
      const answer = await ProgressBar.during(
        { label: "recompute" },
        new ApiClient({ url, key }).postJson<RecomputeAnswer>("/v1/admin/recompute", body),
      );
      if (json) console.log(JSON.stringify(answer));
      else printRecompute(answer);
      const found = answer.action === "preview" && answer.rows + answer.clicks > 0;
      process.exitCode = found ? ExitCode.found : ExitCode.done;
    });
}

/** An answer with nothing but an id tells that it takes longer. */
function printRecompute(answer: RecomputeAnswer): void {
  if (!("action" in answer)) {
    console.log(`${(answer as { id: string }).id} is in the log and being applied`);
    return;
  }
  const { action, id, from, to, rows, buckets, clicks, change, differences, as_of: asOf } = answer;
  const title = action === "preview" ? "would change" : `${action} ${id} has changed`;
  if (differences.length > 0) {
    const columns = ["minute", "ad_id", "before", "after"] as const;
    console.log(formatRows(columns, differences));
    if (buckets > differences.length) console.log(`and ${buckets - differences.length} more`);
  }
  console.log(
    `${from} to ${to}, as of commit ${asOf}: ${title} ${rows} minute rows, ` +
      `the counts of ${buckets} buckets by ${change} in all, the outcomes of ${clicks} clicks`,
  );
}
