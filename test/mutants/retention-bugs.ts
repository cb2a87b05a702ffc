/** What keeping and forgetting gets wrong. */
import type { PlantedBug } from "./planted-bugs.ts";

const step = "src/aggregate/step-retention.ts";

export const retentionBugs: readonly PlantedBug[] = [
  {
    name: "an import into a dropped day that counts",
    patches: [
      {
        file: "src/aggregate/step-clicks.ts",
        find: "|| dropped.hasTime(time);",
        replace: "|| (!history && dropped.hasTime(time));",
      },
    ],
  },
  {
    name: "a day dropped in spite of a new receipt",
    patches: [{ file: step, find: " && receipt.receivedDay < rawBefore", replace: "" }],
  },
  {
    name: "dropped days forgotten by a restart",
    patches: [
      {
        file: "src/pipeline/pipeline.ts",
        find: "(day) => day.partition === partition)",
        replace: "() => false)",
      },
    ],
  },
  {
    name: "0 told of what is kept no more",
    patches: [
      {
        file: "src/query/kept-data.ts",
        find: "    this.checkCounts(range);\n",
        replace: "",
      },
    ],
  },
  {
    name: "a purge that deletes what another partition keeps",
    patches: [
      {
        file: "src/simulation/store/retention.ts",
        find: 'partitionsOf(day, "raw").length > 0 && !isHeld(day);',
        replace: 'partitionsOf(day, "raw").length > 0;',
      },
    ],
  },
];
