import { isDeepStrictEqual } from "node:util";
import type { KnownFields } from "../../model/check-filter.ts";
import type { PartitionProgress } from "../../model/commit.ts";
import type { Question } from "../history.ts";
import type { PartitionedOracle } from "./partitioned-oracle.ts";
import type { Answer, Answered } from "./questions.ts";
import { expectedAnswer } from "./questions.ts";

/** An answer that was given on the way, with what the commit it names had applied. */
export interface RecordedAnswer extends Answered {
  readonly question: Question;
  readonly progress: readonly PartitionProgress[];
  /** Of one about an earlier commit: what was applied when it was asked for, and when it was answered. */
  readonly knowing?: readonly (readonly PartitionProgress[])[];
}

/** Every answer must be the oracle's as of the commit it named. */
export function judgeAnswers(
  oracle: PartitionedOracle,
  recorded: readonly RecordedAnswer[],
  known: KnownFields,
): string | undefined {
  const inOrder = recorded.toSorted((a, b) => offsetsOf(a) - offsetsOf(b));
  for (const { question, answer, progress, knowing = [progress] } of inOrder) {
    oracle.moveTo(progress);
    // A number that was not final then is rightly refused.
    if (answer.status === "as_of_provisional" && !oracle.isFinal(question.toMinute - 1)) continue;
    const differences = knowing.map((by) =>
      differenceOf(answer, expectedAnswer(oracle.knowing(by), question, known, answer)),
    );
    const difference = differences.at(-1);
    if (difference !== undefined && !differences.includes(undefined))
      return `${JSON.stringify(question)} as of ${JSON.stringify(progress)}: ${difference}`;
  }
  return undefined;
}

export function differenceOf(found: Answer, expected: Answer): string | undefined {
  if (isDeepStrictEqual(found, expected)) return undefined;
  return `answered ${shortened(found)} instead of ${shortened(expected)}`;
}

function offsetsOf({ progress }: RecordedAnswer): number {
  return progress.reduce((sum, { nextOffset }) => sum + nextOffset, 0);
}

function shortened(answer: Answer): string {
  const text = JSON.stringify(answer);
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}
