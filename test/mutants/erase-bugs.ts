/** What erasing gets wrong. */
import type { PlantedBug } from "./planted-bugs.ts";

export const eraseBugs: readonly PlantedBug[] = [
  {
    name: "an erasure of what other partitions have not come to yet",
    patches: [
      {
        file: "src/pipeline/answer-erase.ts",
        find: "shared.homeOfAd(adKey, partitionCount) === partition)",
        replace: "shared.homeOfAd(adKey, partitionCount) === partition || true)",
      },
    ],
  },
  {
    name: "an erasure that leaves minute rows as they were",
    patches: [
      {
        file: "src/aggregate/step-erase.ts",
        find: "inMinutes: holders.some(({ hasMinuteRows }) => hasMinuteRows),",
        replace: "inMinutes: false,",
      },
    ],
  },
  {
    name: "what was erased answered from recent minutes in memory",
    patches: [
      {
        file: "src/query/query-state.ts",
        find: "    if (movesCounts(commit)) this.hot.dropDetail();\n",
        replace: "",
      },
    ],
  },
  {
    name: "a follower that goes on over an erasure",
    patches: [
      {
        file: "src/query/changes-answer.ts",
        find: "    if (told < this.startedOverAt) throw",
        replace: "    if (told < this.startedOverAt - 1e9) throw",
      },
    ],
  },
  {
    name: "a mark of before an erasure that is taken",
    patches: [
      {
        file: "src/query/changes-mark.ts",
        find: "  if (sequence < startedOver) throw startOver(sequence, current);\n",
        replace: "",
      },
    ],
  },
];
