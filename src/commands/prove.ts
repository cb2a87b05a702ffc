/** `prove`: the fault simulator, for users. */

import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import type { CampaignReport } from "../simulation/campaign.ts";
import { runCampaign } from "../simulation/campaign.ts";
import { explainFailure } from "../simulation/explain-failure.ts";
import type { HistoryKind } from "../simulation/history-kinds.ts";
import { historyKinds } from "../simulation/history-kinds.ts";
import { runHistory } from "../simulation/run-history.ts";
import { ExitCode } from "./exit.ts";
import { ProgressBar } from "./progress-bar.ts";
import { formatTable } from "./table.ts";

interface ProveFlags {
  readonly processes: HistoryKind;
  readonly seed: number;
  readonly runs: number;
  readonly threads: number;
  readonly json?: true;
  readonly trace?: true;
}

const repeatEvery = 20;

export function registerProve(program: Command): void {
  program
    .command("prove")
    .summary("try to break the service in a simulator, and compare with a naive count")
    .description(
      "Runs the real ingest, aggregation, recovery and queries over a simulated disk, queue, store, clock and " +
        "network. A seed decides what is sent and what breaks. After every history each number, ledger and journal is " +
        "compared with a naive oracle. Exits 1 where something differs, with a short history that shows it.",
    )
    .addOption(
      new Option(
        "--processes <how many>",
        "one on a disk of its own, or several over a topic and a database",
      )
        .choices(Object.keys(historyKinds))
        .default("one"),
    )
    .option("--seed <n>", "the first seed", wholeNumber, 1)
    .option("--runs <n>", "how many seeds, from that one on", wholeNumber, 1000)
    .option("--threads <n>", "how many run at once", wholeNumber, availableParallelism())
    .option("--trace", "with --runs 1: print everything that happens")
    .option("--json", "print the report as JSON")
    .action(async (flags: ProveFlags) => {
      const { processes: kind, seed, runs, threads } = flags;
      if (flags.trace) await printTrace(kind, seed);
      const bar = new ProgressBar({ label: "prove", unit: "histories" });
      const onRun = (soFar: number): void => bar.update(soFar / runs, soFar);
      const report = await runCampaign({
        kind,
        firstSeed: seed,
        runs,
        threads,
        repeatEvery,
        onRun,
      });
      bar.finish();
      if (flags.json) console.log(JSON.stringify({ ...report, strikes: [...report.strikes] }));
      else printReport(report, seed);
      if (!report.failure) return;
      const { seed: failed, what } = report.failure;
      console.error(`clicktally ${program.version()}, ${await explainFailure(kind, failed, what)}`);
      process.exitCode = ExitCode.found;
    });
}

async function printTrace(kind: HistoryKind, seed: number): Promise<void> {
  const { trace } = await runHistory(historyKinds[kind].plan(seed), { keepsTrace: true });
  for (const line of trace ?? []) console.log(line);
}

function printReport(report: CampaignReport, firstSeed: number): void {
  const { runs, clicks, faults, starts, strikes, repeated, clicksMedian, faultsMedian } = report;
  const rows = [...strikes].map(([name, count]) => [name, count]);
  console.log(formatTable(["what struck", "times"], rows));
  console.log(
    `seeds ${firstSeed} to ${firstSeed + runs - 1}: ${runs} histories of ${clicks} clicks (median ${clicksMedian}) ` +
      `with ${faults} faults (median ${faultsMedian}) and ${starts} starts; ` +
      `${repeated} of them ran twice, each the same both times`,
  );
  console.log(report.failure ? "A HISTORY DIFFERS FROM THE ORACLE" : "0 differences");
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError("It must be a whole number of at least 1.");
}
