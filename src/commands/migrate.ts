/** `migrate`: from one machine into a cluster. */

import type { Command } from "commander";
import { loadSettings } from "../config.ts";
import type { Comparison } from "../migrate/compare-stores.ts";
import { ExitCode } from "./exit.ts";
import { ProgressBar } from "./progress-bar.ts";
import { addSettingsOptions, settingsInputOf } from "./settings-options.ts";

type MigrateFlags = Readonly<Record<string, unknown>> & { readonly from: string };

export function registerMigrate(program: Command): void {
  addSettingsOptions(program.command("migrate"))
    .summary("move a stopped data directory into the cluster that the settings name")
    .description(
      "Counts what the directory's queue still holds, copies everything that was ever told into the ClickHouse database, " +
        "makes the Kafka topics with as many partitions as the settings say, and compares both stores number by number. " +
        "Topics and database must be new. Where it was interrupted it goes on when it is run again. Afterwards the " +
        "directory is marked, so that no service starts on it. Exits 1 where anything differs: then nothing is marked.",
    )
    .requiredOption(
      "--from <directory>",
      "the data directory to move, which no service may have open",
    )
    .action(async (flags: MigrateFlags) => {
      process.exitCode = await migrate(flags);
    });
}

const stages = {
  count: { label: "count", unit: "clicks" },
  copy: { label: "copy", unit: "rows" },
  compare: { label: "compare", unit: "rows" },
} as const;

/** The exit code. */
async function migrate(flags: MigrateFlags): Promise<number> {
  const { from } = flags;
  const settings = loadSettings(settingsInputOf(flags));
  const { moveIntoCluster } = await import("../roles/move.ts");
  const startMs = performance.now();
  let stage: keyof typeof stages | undefined;
  let bar: ProgressBar | undefined;
  const { plan, comparison, rowCount } = await moveIntoCluster(settings, {
    from,
    onProgress(now, done, total) {
      if (now !== stage) {
        bar?.finish();
        bar = new ProgressBar(stages[now]);
        stage = now;
      }
      bar!.update(total === 0 ? 1 : done / total, done);
    },
    onProblem: (what, error) =>
      console.error(`clicktally: ${what}${error === undefined ? "" : `: ${String(error)}`}`),
  }).finally(() => bar?.finish());
  const place = `database ${settings.store.database}, topic ${settings.queue.topic}`;
  if (!comparison) {
    console.log(`${from} was moved before, as of commit ${plan.sequence}: ${place}`);
    return ExitCode.done;
  }
  const seconds = (performance.now() - startMs) / 1000;
  printComparison(comparison);
  if (comparison.differing > 0) return ExitCode.found;
  console.log(
    `${from} is moved as of commit ${plan.sequence}, from ${plan.partitionsBefore} to ${plan.partitions} partitions: ${place}`,
  );
  console.log(
    `${rowCount} rows, ${comparison.clicks} of them clicks, in ${seconds.toFixed(1)} s, ` +
      `${Math.round(comparison.clicks / Math.max(seconds, 0.001))} clicks/s`,
  );
  return ExitCode.done;
}

function printComparison(comparison: Comparison): void {
  const { minuteRows, clicks, ledgerRows, journalRows, recountedRows } = comparison;
  const { differing, differences } = comparison;
  console.log(
    `compared ${clicks} clicks, ${minuteRows} minute counts, ${ledgerRows} rows of the ledger, ${journalRows} of the ` +
      `journal; counted ${recountedRows} minute rows again from clicks`,
  );
  for (const line of differences) console.log(line);
  if (differing > differences.length) console.log(`and ${differing - differences.length} more`);
  console.log(differing === 0 ? "no differences" : `${differing} DIFFERENCES, nothing is moved`);
}
