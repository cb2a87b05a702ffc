import { isDeepStrictEqual } from "node:util";
import type { KnownFields } from "../../model/check-filter.ts";
import type { MinuteRange } from "../../model/window.ts";
import { Random } from "../../traffic/random.ts";
import { plannedAds } from "../plan-clicks.ts";
import { planFilter } from "../plan-questions.ts";
import type { ServiceUnderTest } from "../service-under-test.ts";
import type { RecordedAnswer } from "./judge-answers.ts";
import { differenceOf, judgeAnswers } from "./judge-answers.ts";
import type { PartitionedOracle } from "./partitioned-oracle.ts";
import type { Answer } from "./questions.ts";
import { ask, expectedAnswer } from "./questions.ts";

/** Commits that are asked about at the end of a history. */
const askedCommits = 8;

/** Numbers as they stood: what was answered on the way is answered again, and earlier commits are asked about anew. */
export async function judgePast(
  oracle: PartitionedOracle,
  service: ServiceUnderTest,
  recorded: readonly RecordedAnswer[],
  seed: number,
  range: MinuteRange,
  known: KnownFields,
): Promise<string | undefined> {
  return (
    (await judgeAskedAgain(oracle, service, recorded, known)) ??
    judgeAnswers(oracle, await askAboutPast(service, seed, range), known)
  );
}

async function judgeAskedAgain(
  oracle: PartitionedOracle,
  { engine, store }: ServiceUnderTest,
  recorded: readonly RecordedAnswer[],
  known: KnownFields,
): Promise<string | undefined> {
  const { progress: end, sequence } = store;
  for (const { question, asOf, answer, progress } of recorded) {
    // Before the first commit there is none to ask about.
    if (asOf === 0) continue;
    // A store that came back as of before has had other commits since.
    if (!isDeepStrictEqual(store.progressAt(asOf), progress)) continue;
    const again = await ask(engine.query, question, asOf);
    let first = answer;
    if (!isRefusal(answer) && oracle.erasesBetween(progress, end)) {
      oracle.moveTo(progress);
      const { rows } = expectedAnswer(oracle.knowing(end), question, known, answer);
      first = { ...answer, rows };
    }
    oracle.moveToEnd();
    const present = expectedAnswer(oracle, question, known, again.answer);
    const expected = expectedAgain(first, again.answer, present, asOf === sequence);
    const difference = differenceOf(again.answer, expected);
    if (difference !== undefined)
      return `${JSON.stringify(question)} again as of ${asOf}: ${difference}`;
  }
  return undefined;
}

function isRefusal({ status }: Answer): boolean {
  return status === "as_of_provisional" || status === "outside_retention";
}

/** What was dropped meanwhile is gone of every commit; what was not final then is refused for that. */
function expectedAgain(first: Answer, again: Answer, present: Answer, isLast: boolean): Answer {
  if (first.status === "outside_retention")
    return again.status === "as_of_provisional" ? again : present;
  if (first.status === "as_of_provisional") return first;
  if (first.status === "provisional" && !isLast) return { status: "as_of_provisional", rows: [] };
  return present.status === "outside_retention" ? present : first;
}

async function askAboutPast(
  { engine, store }: ServiceUnderTest,
  seed: number,
  whole: MinuteRange,
): Promise<RecordedAnswer[]> {
  const random = new Random(seed + 4);
  const answers: RecordedAnswer[] = [];
  for (let i = 0; i < askedCommits; i++) {
    const asOf = random.between(1, store.sequence);
    const toMinute = random.between(whole.fromMinute + 1, whole.toMinute);
    const fromMinute = random.pick([
      whole.fromMinute,
      random.between(whole.fromMinute, toMinute - 1),
    ]);
    const question = {
      kind: random.pick(["count", "top", "cells", "explain"] as const),
      fromMinute,
      toMinute,
      adId: random.pick(plannedAds),
      ...(random.chance(0.5) && { filter: planFilter(random) }),
    };
    const answered = await ask(engine.query, question, asOf);
    const progress = store.progressAt(answered.asOf)!;
    answers.push({ question, ...answered, progress, knowing: [store.progress] });
  }
  return answers;
}
