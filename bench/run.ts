/**
 * The benchmarks: `npm run bench`. Each row runs in a process of its own; what was measured is kept in bench/results, printed as
 * tables, and compared or written where that is asked. See suite/options.ts for what it takes.
 */
import { ExitCode, exitCodeOf, messageOf } from "../src/commands/exit.ts";
import { readBaseline, writeBaseline } from "./suite/baseline.ts";
import { compare, ratiosOf } from "./suite/check.ts";
import type { Ratios } from "./suite/check.ts";
import type { Sample } from "./suite/figures.ts";
import { readOptions, usage } from "./suite/options.ts";
import type { BenchOptions } from "./suite/options.ts";
import { sectionsOf, writeReport } from "./suite/report.ts";
import { keepResults, readResults, thisMachine } from "./suite/results.ts";
import type { Results } from "./suite/results.ts";
import { deadlineSecondsOf } from "./suite/rows.ts";
import { runRow } from "./suite/run-row.ts";
import { Samples } from "./suite/samples.ts";
import { checkTable } from "./suite/tables.ts";

process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const options = readOptions(process.argv.slice(2));
    if (!options) {
      console.log(usage);
      return ExitCode.done;
    }
    return await bench(options);
  } catch (error) {
    console.error(messageOf(error));
    return exitCodeOf(error);
  }
}

async function bench(options: BenchOptions): Promise<number> {
  // Before anything is measured for nothing.
  const baseline =
    options.check && options.from === undefined
      ? readBaseline(options.quick ? "quick" : "default")
      : undefined;
  const results =
    options.from === undefined ? await measureAll(options) : readResults(options.from);
  for (const [name, section] of sectionsOf(results)) console.log(`\n## ${name}\n\n${section}`);
  const failures = Object.entries(results.failures);
  for (const [name, reason] of failures) console.error(`${name} could not finish: ${reason}`);
  if (options.write) for (const file of writeReport(results)) console.error(`written: ${file}`);
  const ratios = ratiosOf(new Samples(results.samples));
  const hasFallen = options.check && check(baseline ?? readBaseline(results.mode), ratios);
  if (options.writeBaseline) writeBaseline(results, ratios);
  if (failures.length > 0) return ExitCode.failed;
  return hasFallen ? ExitCode.found : ExitCode.done;
}

async function measureAll(options: BenchOptions): Promise<Results> {
  const { quick, rounds, history } = options;
  const interruption = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => interruption.abort());
  const at = new Date().toISOString();
  const samples: Sample[] = [];
  const failures: Record<string, string> = {};
  for (const name of options.rows) {
    if (interruption.signal.aborted) break;
    const start = performance.now();
    const failure = await runRow(
      { name, quick, rounds, history },
      {
        deadlineSeconds: deadlineSecondsOf(name, options),
        interrupted: interruption.signal,
        use: (sample) => samples.push(sample),
      },
    );
    if (failure !== undefined) failures[name] = failure;
    console.error(`${name}: ${((performance.now() - start) / 1000).toFixed(0)} s`);
  }
  const mode = quick ? "quick" : "default";
  const machine = thisMachine();
  const results: Results = { formatVersion: 1, at, mode, rounds, machine, samples, failures };
  console.error(`kept: ${keepResults(results)}`);
  return results;
}

/** True where something has fallen. */
function check(baseline: Ratios, now: Ratios): boolean {
  const verdicts = compare(baseline, now);
  console.log(`\n## check\n\n${checkTable(verdicts)}`);
  if (verdicts.some(({ verdict }) => verdict === "unclear"))
    console.error("What is unclear may be chance: more --rounds tell.");
  return verdicts.some(({ verdict }) => verdict === "fallen");
}
