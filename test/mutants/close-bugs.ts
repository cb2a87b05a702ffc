/** What answers about closed periods get wrong. */
import type { PlantedBug } from "./planted-bugs.ts";

export const closeBugs: readonly PlantedBug[] = [
  {
    name: "rows of then asked for the dimensions of now",
    patches: [
      {
        file: "src/query/plan.ts",
        find: "configs.layouts(range, visibility)",
        replace: "configs.layouts(range)",
      },
    ],
  },
  {
    name: "facts after the close in its numbers",
    patches: [
      {
        file: "src/query/closed-minutes.ts",
        find: "visibility: visibilityOf(periods)",
        replace: "visibility: undefined",
      },
    ],
  },
  {
    name: "a period taken for closed once one partition has closed it",
    patches: [
      {
        file: "src/store/closed-periods.ts",
        find: "if (seals.length < partitionCount) return [];",
        replace: "if (seals.length === 0) return [];",
      },
    ],
  },
  {
    name: "all partitions' numbers as of the last one's close",
    patches: [
      {
        file: "src/store/closed-periods.ts",
        find: "seals.filter((seal) => seal.asOf < last)",
        replace: "[]",
      },
    ],
  },
  {
    name: "closed minutes answered from memory",
    patches: [
      {
        file: "src/query/query-state.ts",
        find: "    this.hot.forgetBefore(this.closedThrough);\n",
        replace: "",
      },
    ],
  },
  {
    name: "no adjustment where an ad had no clicks",
    patches: [
      {
        file: "src/query/statement-answer.ts",
        find: "const count = lines.get(keyOf(sum))?.count ?? 0;",
        replace:
          "const count = lines.get(keyOf(sum))?.count;\n    if (count === undefined) continue;",
      },
    ],
  },
];
