/** How who follows changes comes to miss some. */
import type { PlantedBug } from "./planted-bugs.ts";

const answer = "src/query/changes-answer.ts";
const mark = "src/query/changes-mark.ts";

export const changesBugs: readonly PlantedBug[] = [
  {
    name: "changes marked by the commit that their last page was read at",
    patches: [
      {
        file: answer,
        find: "return this.end(rows, rest.upTo);",
        replace: "return this.end(rows, this.state.snapshot.asOf);",
      },
    ],
  },
  {
    name: "changes that go on behind the minute where a page ended",
    patches: [
      {
        file: answer,
        find: "const range = { fromMinute: after.minute, toMinute };",
        replace: "const range = { fromMinute: after.minute + 1, toMinute };",
      },
    ],
  },
  {
    name: "a mark of another history taken for this one's",
    patches: [
      {
        file: mark,
        find: "if (isKnown && sequence <= current && sequence < nextFirst) return sequence;",
        replace: "if (sequence <= current) return sequence;",
      },
    ],
  },
  {
    name: "a mark resumed from with the commit after the next one",
    patches: [
      {
        file: mark,
        find: "if (isKnown && sequence <= current && sequence < nextFirst) return sequence;",
        replace:
          "if (isKnown && sequence <= current && sequence < nextFirst) return Math.min(current, sequence + 1);",
      },
    ],
  },
  {
    name: "changes of commits before a restart passed over",
    patches: [
      {
        file: "src/query/changed-minutes.ts",
        find: "if (sequence < this.knownAfter) return undefined;",
        replace: "",
      },
    ],
  },
  {
    name: "a compaction that keeps the first commit of what it merges",
    patches: [
      {
        file: "src/simulation/store/tables.ts",
        find: "before ? { ...row, count: before.count + row.count } : row",
        replace: "before ? { ...before, count: before.count + row.count } : row",
      },
    ],
  },
];
