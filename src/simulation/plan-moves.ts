/**
 * A dimension that is moved to the minute rows, and by a recompute to those of minutes that were sealed before: their rows of
 * then have no values of it, those of now have.
 */
import { hourMs, minuteMs, minuteOf } from "../model/time.ts";
import { Random } from "../traffic/random.ts";
import type { Action, HistorySettings, SemanticSettings } from "./history.ts";
import { plannedValues } from "./plan-clicks.ts";
import { planQuestion } from "./plan-questions.ts";

const movingShare = 0.1;
const questionCount = 3;
const moved = "user_id";
/** Until settings are in force, which they are from a minute ahead on. */
const patienceMs = 5 * minuteMs;

/** Of random numbers of their own. */
export function withMovedDimension(
  seed: number,
  settings: HistorySettings,
  actions: readonly Action[],
): Action[] {
  const random = new Random(seed + 0x6d6f_7665);
  if (!random.chance(movingShare)) return [...actions];
  const third = Math.ceil(actions.length / 3);
  const apartMs = random.pick(actions.slice(0, third)).atMs;
  const closeMs = Math.max(apartMs + patienceMs, random.pick(actions.slice(third)).atMs);
  const moveMs = closeMs + random.pick([0, minuteMs]);
  const recomputeMs = moveMs + random.pick([patienceMs, 20 * minuteMs, hourMs]);
  const minuteAt = (atMs: number): number => minuteOf(settings.startMs + atMs);
  const throughMinute = minuteAt(closeMs - random.pick([2 * minuteMs, 10 * minuteMs, hourMs]));
  const restart = (atMs: number, place: "minute" | "raw"): Action => ({
    atMs,
    kind: "restart",
    semantic: withPlace(semanticAt(settings, actions, atMs), place),
  });
  const sealed = {
    type: "close",
    id: "close-before-move",
    through_minute: throughMinute,
    tz: "UTC",
  } as const;
  const recompute = {
    type: "recompute",
    id: "move",
    reason: "a dimension was moved",
    from_minute: throughMinute - 3 * 60,
    to_minute: minuteAt(recomputeMs) - random.pick([2, 10]),
    late: null,
  } as const;
  const questions = Array.from({ length: questionCount }, (): Action => {
    const atMs = recomputeMs + random.pick([0, 3_000, minuteMs]);
    const user = JSON.stringify(random.pick(plannedValues.user_id));
    const toMinute = throughMinute - random.pick([0, 5]);
    const range = { fromMinute: toMinute - random.pick([10, 60]), toMinute };
    const question = { ...planQuestion(random, settings, atMs), ...range };
    return { atMs, kind: "ask", question: { ...question, filter: `${moved}==${user}` } };
  });
  const moves: Action[] = [
    restart(apartMs, "raw"),
    { atMs: closeMs, kind: "control", control: sealed },
    restart(moveMs, "minute"),
    { atMs: recomputeMs, kind: "control", control: recompute },
    ...questions,
  ];
  return [...actions, ...moves].toSorted((a, b) => a.atMs - b.atMs);
}

function semanticAt(
  { semantic }: HistorySettings,
  actions: readonly Action[],
  atMs: number,
): SemanticSettings {
  const before = actions.filter((action) => action.kind === "restart" && action.atMs < atMs);
  const last = before.at(-1);
  return last?.kind === "restart" ? last.semantic : semantic;
}

function withPlace(semantic: SemanticSettings, place: "minute" | "raw"): SemanticSettings {
  return {
    ...semantic,
    dimensions: semantic.dimensions.map((own) =>
      own.name === moved ? Object.assign({}, own, { in: place }) : own,
    ),
  };
}
