import { parseArgs } from "node:util";
import { CodedError } from "../../src/model/errors.ts";
import { rowNames, rowPlans } from "./rows.ts";
import type { RowName } from "./rows.ts";

const minutes = (key: "seconds" | "quickSeconds"): number =>
  Math.round(rowNames.reduce((sum, name) => sum + rowPlans[name][key], 0) / 60);

export const usage = `npm run bench -- [ROW…] [--quick] [--rounds 3] [--history 10000000] [--check] [--write] [--write-baseline]
                 [--from FILE]

Measures clicktally and its peers in turns and prints tables; all rows take about ${minutes("seconds")} minutes, with --quick
(tiny sizes: the figures mean nothing) about ${minutes("quickSeconds")}.

${rowNames.map((name) => `  ${name.padEnd(8)} ${rowPlans[name].about}`).join("\n")}

  --check           compares ratios with bench/baseline.json; exit code 1 where one has fallen
  --write           writes the tables into bench/README.md and README.md, and the plots into docs/benchmarks
  --write-baseline  writes the ratios into bench/baseline.json
  --from FILE       measures nothing, but takes what bench/results/FILE has
  --history N       clicks of the longest history of the row cost

Exit code: 0 done, 1 the check found a fall, 2 wrong usage, 3 a row could not finish.`;

export interface BenchOptions {
  readonly rows: readonly RowName[];
  readonly quick: boolean;
  readonly rounds: number;
  readonly history: number;
  readonly check: boolean;
  readonly write: boolean;
  readonly writeBaseline: boolean;
  readonly from?: string;
}

/** CodedError `invalid_parameter` where an argument is wrong; undefined where help is asked for. */
export function readOptions(args: readonly string[]): BenchOptions | undefined {
  const { values, positionals } = parse(args);
  if (values.help === true) return undefined;
  const unknown = positionals.find((name) => !isRowName(name));
  if (unknown !== undefined)
    throw new CodedError(
      "invalid_parameter",
      `there is no row ${unknown}: expected some of ${rowNames.join(", ")}`,
    );
  return {
    rows:
      positionals.length === 0 ? rowNames : rowNames.filter((name) => positionals.includes(name)),
    quick: values.quick,
    rounds: countOf("rounds", values.rounds ?? (values.quick ? "1" : "3"), 1, 100),
    history: countOf("history", values.history, 1_000_000, 1_000_000_000),
    check: values.check,
    write: values.write,
    writeBaseline: values["write-baseline"],
    ...(values.from !== undefined && { from: values.from }),
  };
}

function isRowName(name: string): name is RowName {
  return (rowNames as readonly string[]).includes(name);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        quick: { type: "boolean", default: false },
        rounds: { type: "string" },
        history: { type: "string", default: "10000000" },
        check: { type: "boolean", default: false },
        write: { type: "boolean", default: false },
        "write-baseline": { type: "boolean", default: false },
        from: { type: "string" },
        help: { type: "boolean" },
      },
    });
  } catch (error) {
    throw new CodedError("invalid_parameter", (error as Error).message);
  }
}

function countOf(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new CodedError(
    "invalid_parameter",
    `--${name} is ${text}, expected a whole number from ${min} to ${max}`,
  );
}
