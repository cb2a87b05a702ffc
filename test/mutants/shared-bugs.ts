/** What several processes that count over one store get wrong: who may say what, what counts, what is waited for. */
import type { PlantedBug } from "./planted-bugs.ts";

const order = "src/order/commit-order.ts";
const commits = "src/store/ordered/ordered-commits.ts";

export const sharedBugs: readonly PlantedBug[] = [
  {
    name: "a commit said to be done before its rows are there",
    kind: "several",
    patches: [
      {
        file: commits,
        find: "    try {\n      await tables.insert(own);\n",
        replace: "    await member.done(reserved);\n    try {\n      await tables.insert(own);\n",
      },
      {
        file: commits,
        find: "    this.unknown = own;\n    await member.done(reserved);\n",
        replace: "    this.unknown = own;\n",
      },
    ],
  },
  {
    name: "an insert of unknown fate made again under its sequence",
    kind: "several",
    patches: [
      {
        file: commits,
        find: "      await member.abandon().catch(() => {});\n      throw error;\n",
        replace: "      await tables.insert(own);\n",
      },
    ],
  },
  {
    name: "what was given up taken to count",
    kind: "several",
    patches: [
      {
        file: order,
        find: "      this.decide(reservation, false);\n      this.addVoid(reservation.sequence);\n",
        replace: "      this.decide(reservation, true);\n",
      },
    ],
  },
  {
    name: "who has lost a partition goes on counting it",
    kind: "several",
    patches: [
      {
        file: order,
        find: "      if (this.owners[range.partition] !== name) continue;\n",
        replace: "",
      },
      {
        file: order,
        find: "      if (this.endOf(partition) !== fromOffset) {",
        replace: "      if (fromOffset < 0) {",
      },
      {
        file: commits,
        find: "      if (now.get(partition) !== terms.get(partition)) throw takenOver();",
        replace: "      if (now.get(partition) === -1) throw takenOver();",
      },
    ],
  },
  {
    name: "a partition taken over before what its last owner had begun is decided",
    kind: "several",
    patches: [
      {
        file: "src/store/ordered/ordered-member.ts",
        find: "    while (reader.order.settledThrough < through) {",
        replace: "    while (reader.order.settledThrough < 0 * through) {",
      },
    ],
  },
  {
    name: "a commit told before one before it is decided",
    kind: "several",
    patches: [
      {
        file: order,
        find: "    return this.untold.splice(0, open === -1 ? this.untold.length : open) as Decision[];",
        replace: `    if (open === -1) return this.untold.splice(0) as Decision[];
    const end = this.untold.findLastIndex((decision) => decision !== undefined);
    return this.untold.splice(0, end + 1).filter((decision) => decision !== undefined);`,
      },
    ],
  },
  {
    name: "what a process had begun in an earlier life waited for",
    kind: "several",
    patches: [
      {
        file: order,
        find: "        this.giveUp(member);\n        this.members.delete(other);",
        replace: "        this.members.delete(other);",
      },
    ],
  },
  {
    name: "a log trimmed by others taken for a damaged one",
    kind: "several",
    patches: [
      {
        file: "src/engine/counting-lives.ts",
        find: "          if (isSame(member.terms, terms)) throw error;",
        replace: "          throw error;",
      },
    ],
  },
];
