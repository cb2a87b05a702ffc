/** Histories from seeds: dense in what is hard. Few ads and ids, so that nearly everything collides. */

import { hourMs, minuteMs } from "../model/time.ts";
import { Random } from "../traffic/random.ts";
import { ClickPlanner, plannedValues } from "./plan-clicks.ts";
import type { Action, History, HistorySettings, SemanticSettings } from "./history.ts";
import { ControlPlanner } from "./plan-controls.ts";
import { canonicalIp } from "./oracle/log-rows.ts";
import { withMovedDimension } from "./plan-moves.ts";
import { planQuestion } from "./plan-questions.ts";
import type { PlannedFault } from "./world/faults.ts";
import { allStrikes, stepsOfFault } from "./world/steps.ts";

const baseSemantic: SemanticSettings = {
  dimensions: [
    { name: "country", in: "minute", type: "country" },
    { name: "device", in: "minute", type: "string" },
    { name: "user_id", in: "raw", type: "string" },
    { name: "ip", in: "raw", type: "ip" },
  ],
  adAttributes: ["campaign_id", "advertiser_id"],
  outOfOrdernessMs: 15_000,
  allowedLatenessMs: minuteMs,
  idleLagMs: 15_000,
  dedupHorizonMs: 6 * hourMs,
  dedupRecentMs: 2 * hourMs,
  late: "restate",
};

/** Each is judged as a history of its own, so there are few. */
const backupShare = 0.2;
const backupsMax = 3;

const erasingShare = 0.3;
const erasuresMax = 3;
const questionsAnErasure = 3;

/** Silence is long, and one tick in it as good as a thousand. */
const ticksMax = 60;

export function planHistory(seed: number): History {
  const random = new Random(seed);
  const planned = planSettings(random);
  const asked = withMovedDimension(seed, planned, planActions(random, planned));
  const actions = withBackups(seed, withErasures(seed, planned, asked));
  const lastMs = actions.at(-1)!.atMs;
  const settings = { ...planned, tickEveryMs: Math.max(planned.tickEveryMs, lastMs / ticksMax) };
  return { seed, settings, actions, faults: planFaults(random, lastMs) };
}

export function planSettings(random: Random): HistorySettings {
  return {
    // Close to midnight UTC, so that many histories cross a day.
    startMs: Date.UTC(2026, 0, 15, 20 + random.below(4), random.below(60)),
    semantic: planSemantic(random, baseSemantic),
    partitionCount: random.pick([1, 1, 1, 1, 2, 4]),
    spread: 1,
    commit: {
      delayMsMax: random.pick([0, 20, 100, 1_000, 5_000]),
      clicksMax: random.pick([1, 7, 50, 1_000, 1_000]),
    },
    maintenance: {
      checkpointMsMax: random.pick([20_000, 120_000, 600_000]),
      checkpointClicksMax: random.pick([10, 40, 150]),
    },
    queueBytesMax: random.pick([5_000, 20_000, 1e9, 1e9]),
    hotBytesMax: random.pick([0, 100_000, 1e8]),
    tickEveryMs: random.pick([20_000, minuteMs, 3 * minuteMs]),
  };
}

/** So short that histories cross them. */
const dedupTiers = [
  { dedupHorizonMs: 6 * hourMs, dedupRecentMs: 2 * hourMs },
  { dedupHorizonMs: 6 * hourMs, dedupRecentMs: hourMs },
  { dedupHorizonMs: 4 * hourMs, dedupRecentMs: 4 * hourMs },
  { dedupHorizonMs: hourMs, dedupRecentMs: 10 * minuteMs },
  { dedupHorizonMs: 5 * minuteMs, dedupRecentMs: 5 * minuteMs },
] as const;

/** Country and device stay where the judge looks for them. */
export const movedDimensions: ReadonlySet<string> = new Set(["user_id", "ip"]);

function planSemantic(random: Random, before: SemanticSettings): SemanticSettings {
  return {
    ...before,
    ...random.pick(dedupTiers),
    late: random.pick(["restate", "restate", "quarantine"]),
    allowedLatenessMs: random.pick([0, 30_000, minuteMs, 5 * minuteMs]),
    dimensions: before.dimensions.map((dimension) =>
      movedDimensions.has(dimension.name) && random.chance(0.4)
        ? { ...dimension, in: random.pick(["minute", "raw"]) }
        : dimension,
    ),
  };
}

function planActions(random: Random, settings: HistorySettings): Action[] {
  const clicks = new ClickPlanner(random, settings);
  const controls = new ControlPlanner(random, settings, clicks);
  const actions: Action[] = [];
  const batchCount = random.between(60, 90);
  let { semantic } = settings;
  let atMs = 1_000;
  for (let batches = 0; batches < batchCount; batches++) {
    atMs += pauseMs(random);
    actions.push({ atMs, kind: "send", batch: clicks.batch(atMs) });
    for (const control of controls.at(atMs)) actions.push({ atMs, kind: "control", control });
    if (random.chance(0.15)) {
      const laterMs = atMs + random.below(3_000);
      const question = planQuestion(random, settings, laterMs);
      actions.push({ atMs: laterMs, kind: "ask", question });
    }
    if (random.chance(0.02)) {
      if (random.chance(0.7)) semantic = planSemantic(random, semantic);
      actions.push({ atMs, kind: "restart", semantic });
    }
  }
  return actions.toSorted((a, b) => a.atMs - b.atMs);
}

/** Of random numbers of their own. Of one dimension, or of another that was kept with the minute all along. */
function withErasures(
  seed: number,
  settings: HistorySettings,
  actions: readonly Action[],
): Action[] {
  const random = new Random(seed + 0x6572_6173);
  if (!random.chance(erasingShare)) return [...actions];
  const erasures = Array.from({ length: random.between(1, erasuresMax) }, (_, i): Action[] => {
    const field = random.pick(["user_id", "user_id", "ip", "device"] as const);
    const picked = plannedValues[field].filter(() => random.chance(0.5));
    const values = field === "ip" ? picked.map(canonicalIp) : picked;
    const control = {
      type: "erase",
      id: `erasure-${i + 1}`,
      reason: "asked for",
      field,
      values: values.length > 0 ? values : ["nobody's"],
    } as const;
    const { atMs } = random.pick(actions);
    const questions = Array.from({ length: questionsAnErasure }, (): Action => {
      const laterMs = atMs + random.pick([0, 3_000, minuteMs]);
      const filter = random.pick([
        `${field}==${JSON.stringify(random.pick(plannedValues[field]))}`,
        `${field}=null=true`,
      ]);
      const question = { ...planQuestion(random, settings, laterMs), filter };
      return { atMs: laterMs, kind: "ask", question };
    });
    return [{ atMs, kind: "control", control }, ...questions];
  });
  return [...actions, ...erasures.flat()].toSorted((a, b) => a.atMs - b.atMs);
}

/** Of random numbers of their own. Amid what is sent, for what comes during a copy is what it may miss. */
function withBackups(seed: number, actions: readonly Action[]): Action[] {
  const random = new Random(seed + 0x6261_636b);
  if (!random.chance(backupShare)) return [...actions];
  const backups = Array.from({ length: random.between(1, backupsMax) }, (): Action => {
    const atMs = random.pick(actions).atMs + random.between(-5, 5);
    return { atMs: Math.max(0, atMs), kind: "backup" };
  });
  return [...actions, ...backups].toSorted((a, b) => a.atMs - b.atMs);
}

/** Bursts and seconds, at times minutes, seldom hours: a history crosses minutes, hours and the dedup horizon. */
function pauseMs(random: Random): number {
  if (random.chance(0.04)) return random.between(1, 3 * hourMs);
  if (random.chance(0.15)) return random.between(1, 3 * minuteMs);
  return random.between(0, random.chance(0.5) ? 50 : 5_000);
}

/**
 * Any strike is as likely as any other. They lie in wait from a moment on until their step is reached. Misfortunes
 * seldom come alone: at times a death follows one of them, and a store that comes back as of before.
 */
function planFaults(random: Random, lastMs: number): PlannedFault[] {
  const faults = Array.from({ length: random.between(4, 9) }, () =>
    Object.assign({ armedAtMs: random.unit() * lastMs }, random.pick(allStrikes)),
  );
  if (random.chance(0.5)) return faults;
  const { armedAtMs } = random.pick(faults);
  const step = random.pick(stepsOfFault.kill);
  return [
    ...faults,
    { fault: "kill", step, armedAtMs: armedAtMs + random.unit() * 60_000 },
    { fault: random.pick(["lost_log", "old_copy"] as const), step: "recover.open", armedAtMs },
  ];
}
