/** What a recompute and its rollback get wrong. */
import type { PlantedBug } from "./planted-bugs.ts";

const step = "src/aggregate/step-recompute.ts";
const policy = "src/model/late-policy.ts";

export const recomputeBugs: readonly PlantedBug[] = [
  {
    name: "a rollback that adds what it should take away",
    patches: [
      { file: step, find: "changes.changes.map((change) => -change)", replace: "changes.changes" },
    ],
  },
  {
    name: "a recount taken before the last commit",
    patches: [
      {
        file: "src/pipeline/run-partition.ts",
        find: 'const isControl = record.kind === "control";\n    if (isControl) await this.flushNow();',
        replace:
          'const isControl = record.kind === "control";\n    if (isControl && !isRecount(record.control)) await this.flushNow();',
      },
    ],
  },
  {
    name: "a rollback that counts what was voided since",
    patches: [
      {
        file: step,
        find: "return click.outcome === madeOf(click) ? click.outcomeBefore! : click.outcome;",
        replace: "return click.outcomeBefore!;",
      },
    ],
  },
  {
    name: "a rollback of any recompute, not of the last",
    patches: [
      {
        file: "src/pipeline/answer-recompute.ts",
        find: 'if (last?.type !== "recompute" || last.id !== id)',
        replace: 'if (last?.type !== "recompute")',
      },
    ],
  },
  {
    name: "a policy that takes back what a release let in",
    patches: [{ file: policy, find: "!cameLate || isReleased ||", replace: "!cameLate ||" }],
  },
  {
    name: "late clicks of rewritten minutes counted under the layout of before",
    patches: [
      {
        file: "src/aggregate/step-clicks.ts",
        find: "layoutMasks(configs, state.layoutChanges, names)",
        replace: "layoutMasks(configs, [], names)",
      },
    ],
  },
  {
    name: "layouts of rewritten minutes forgotten at a restart",
    patches: [
      {
        file: "src/pipeline/pipeline.ts",
        find: "recovered.layoutChanges.filter((change) => change.partition === partition)",
        replace: "recovered.layoutChanges.filter((change) => change.partition < 0)",
      },
    ],
  },
];
