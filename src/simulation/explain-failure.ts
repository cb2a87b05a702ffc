import { execFileSync } from "node:child_process";
import { describeHistory } from "./describe-history.ts";
import type { HistoryKind } from "./history-kinds.ts";
import { historyKinds } from "./history-kinds.ts";
import { runHistory } from "./run-history.ts";
import { shrink } from "./shrink.ts";

/** What whoever meets a failure needs to know: its seed, the commit it is of, how to see it again, and a short history. */
export async function explainFailure(
  kind: HistoryKind,
  seed: number,
  what: string,
): Promise<string> {
  const fails = async (history: Parameters<typeof runHistory>[0]): Promise<string | undefined> =>
    (await runHistory(history)).failure;
  const { history, failure, runs } = await shrink(historyKinds[kind].plan(seed), what, fails);
  return [
    `seed ${seed}${commitOf()}: ${what}`,
    `again: clicktally prove${kind === "one" ? "" : ` --processes ${kind}`} --seed ${seed} --runs 1 --trace`,
    `shrunk in ${runs} runs to:`,
    describeHistory(history),
    `which ends with: ${failure}`,
  ].join("\n");
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
