import { execFileSync } from "node:child_process";
import { describeHistory } from "./describe-history.ts";
import type { HistoryKind } from "./history-kinds.ts";
import { historyKinds } from "./history-kinds.ts";
import type { History } from "./history.ts";
import { runHistory } from "./run-history.ts";
import { shrink } from "./shrink.ts";

const partingRunsMax = 5;
const stepsAround = 6;

/** The failure of a seed whose history is not the same each time. */
export const anotherTrace = "the same seed has given another trace";

/**
 * What whoever meets a failure needs to know: its seed, the commit it is of, how to see it again, and a short history, or
 * where its traces part.
 */
export async function explainFailure(
  kind: HistoryKind,
  seed: number,
  what: string,
): Promise<string> {
  const history = historyKinds[kind].plan(seed);
  return [
    `seed ${seed}${commitOf()}: ${what}`,
    `again: clicktally prove${kind === "one" ? "" : ` --processes ${kind}`} --seed ${seed} --runs 1 --trace`,
    ...(what === anotherTrace ? await partingOf(history) : await shortest(history, what)),
  ].join("\n");
}

async function shortest(history: History, what: string): Promise<readonly string[]> {
  const fails = async (smaller: History): Promise<string | undefined> =>
    (await runHistory(smaller)).failure;
  const shrunk = await shrink(history, what, fails);
  return [
    `shrunk in ${shrunk.runs} runs to:`,
    describeHistory(shrunk.history),
    `which ends with: ${shrunk.failure}`,
  ];
}

/** A smaller history can't be told to fail in the same way: that it is not the same each time is a matter of luck. */
async function partingOf(history: History): Promise<readonly string[]> {
  const { trace: one = [] } = await runHistory(history, { keepsTrace: true });
  for (let runs = 2; runs <= partingRunsMax; runs++) {
    const { trace: other = [] } = await runHistory(history, { keepsTrace: true });
    const at = one.findIndex((step, i) => step !== other[i]);
    if (at === -1 && one.length === other.length) continue;
    const from = at === -1 ? one.length : at;
    const around = (trace: readonly string[]): string =>
      trace.slice(Math.max(0, from - stepsAround), from + stepsAround).join("\n  ");
    return [
      `step ${from} of one run:`,
      `  ${around(one)}`,
      "and of another:",
      `  ${around(other)}`,
    ];
  }
  return [`${partingRunsMax} further runs were the same`];
}

/** Where this is a checkout. */
function commitOf(): string {
  try {
    const revision = execFileSync("git", ["rev-parse", "--short", "HEAD"], {
      cwd: import.meta.dirname,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return ` at commit ${revision.trim()}`;
  } catch {
    return "";
  }
}
