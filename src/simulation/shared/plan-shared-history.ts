/** Histories of several processes from seeds: short and dense, for each of them asks its log and its order all the time. */

import { minuteMs } from "../../model/time.ts";
import { Random } from "../../traffic/random.ts";
import type { Action, History, HistorySettings } from "../history.ts";
import { ClickPlanner } from "../plan-clicks.ts";
import { ControlPlanner } from "../plan-controls.ts";
import { planSettings } from "../plan-history.ts";
import { planQuestion } from "../plan-questions.ts";
import type { PlannedFault } from "../world/faults.ts";
import { sharedStepsOfFault, sharedStrikes } from "../world/steps.ts";

/** The steps at which a process that stands still holds up most. */
const frozenSteps = ["insert", "order.begin", "order.append"] as const;

export function planSharedHistory(seed: number): History {
  const random = new Random(seed + 0x7368_6172);
  const planned = planSettings(random);
  const partitionCount = random.pick([2, 3, 4, 5]);
  const settings: HistorySettings = {
    ...planned,
    partitionCount,
    // Of its own, so that a seed has the same history whatever else of it is drawn.
    spread: new Random(seed + 0x7370_7264).pick([1, 1, 2, partitionCount]),
    queueBytesMax: 1e9,
    tickEveryMs: 2_000,
    processStartsMs: startsOf(random),
  };
  const actions = planActions(random, settings);
  return { seed, settings, actions, faults: planFaults(random, actions.at(-1)!.atMs) };
}

/** Two or three at nearly one moment; at times one more later on. */
function startsOf(random: Random): number[] {
  const first = Array.from({ length: random.pick([2, 2, 3]) }, () => random.below(2_000));
  return random.chance(0.4) ? [...first, random.below(2 * minuteMs)] : first;
}

function planActions(random: Random, settings: HistorySettings): Action[] {
  const clicks = new ClickPlanner(random, settings);
  const controls = new ControlPlanner(random, settings, clicks);
  const actions: Action[] = [];
  let atMs = 3_000;
  for (let batches = random.between(50, 80); batches > 0; batches--) {
    atMs += pauseMs(random);
    actions.push({ atMs, kind: "send", batch: clicks.batch(atMs) });
    for (const control of controls.at(atMs))
      if (control.type !== "retention") actions.push({ atMs, kind: "control", control });
    if (random.chance(0.15)) {
      const laterMs = atMs + random.below(3_000);
      const question = planQuestion(random, settings, laterMs);
      actions.push({ atMs: laterMs, kind: "ask", question });
    }
    if (random.chance(0.02)) {
      const { semantic } = settings;
      actions.push({ atMs, kind: "restart", semantic });
    }
  }
  return actions.toSorted((a, b) => a.atMs - b.atMs);
}

function pauseMs(random: Random): number {
  if (random.chance(0.08)) return random.between(1, 20_000);
  return random.between(0, random.chance(0.5) ? 50 : 3_000);
}

/** Any strike is as likely as any other, but for one that stands still amid a commit: it comes often. */
function planFaults(random: Random, lastMs: number): PlannedFault[] {
  const armed = (): { readonly armedAtMs: number } => ({ armedAtMs: random.unit() * lastMs });
  const faults = Array.from({ length: random.between(4, 9) }, () =>
    Object.assign(armed(), random.pick(sharedStrikes)),
  );
  if (random.chance(0.5)) return faults;
  const kill = { fault: "kill", step: random.pick(sharedStepsOfFault.kill) } as const;
  const frozen = { fault: "freeze", step: random.pick(frozenSteps) } as const;
  return [...faults, Object.assign(armed(), frozen), Object.assign(armed(), kill)];
}
