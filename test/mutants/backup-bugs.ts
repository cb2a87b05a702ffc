/** What a copy of a running service gets wrong: the order of its parts, and what is forgotten meanwhile. */
import type { PlantedBug } from "./planted-bugs.ts";

const copies = "src/engine/data-copies.ts";

export const backupBugs: readonly PlantedBug[] = [
  {
    name: "the queue copied before the store",
    patches: [
      {
        file: copies,
        find: "      const store = await target.copyStore(signal);\n      const queue = await target.copyQueue(store.progress, signal);\n",
        replace:
          "      const queue = await target.copyQueue([], signal);\n      const store = await target.copyStore(signal);\n",
      },
    ],
  },
  {
    name: "a trim while the queue is still to be copied",
    patches: [
      {
        file: copies,
        find: "return (progress) => this.turns.take(() => trim(progress));",
        replace: "return trim;",
      },
    ],
  },
];
