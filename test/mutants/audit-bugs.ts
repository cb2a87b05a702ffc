/** What a service that doubts its own numbers gets wrong: it looks away, or sees what is not there. */
import type { PlantedBug } from "./planted-bugs.ts";

const selfAudit = "src/audit/self-audit.ts";

export const auditBugs: readonly PlantedBug[] = [
  {
    name: "a self-audit that compares counts of two snapshots",
    patches: [
      {
        file: selfAudit,
        find: "const recount = await store.recount(minute, minute + 1, differencesMax);",
        replace: `const first = await store.recount(minute, minute + 1, differencesMax);
          const second = await store.recount(minute, minute + 1, differencesMax);
          const differ = first.comparedClicks === second.comparedClicks ? 0 : 1;
          const recount = { ...second, differingRows: second.differingRows + differ };`,
      },
    ],
  },
  {
    name: "a self-audit that passes over what differs",
    patches: [
      {
        file: selfAudit,
        find: "if (recount.differingRows > 0) this.found(",
        replace: "if (recount.differingRows > 0 && !minute) this.found(",
      },
    ],
  },
  {
    name: "a self-audit of newly final buckets only",
    patches: [
      {
        file: selfAudit,
        find: "const walked = older ? this.walk.next(older, bucketsAMinute - fresh.length) : [];",
        replace: "const walked = older ? this.walk.next(older, 0) : [];",
      },
    ],
  },
  {
    name: "a bucket that differed never looked at again",
    patches: [{ file: selfAudit, find: "...this.standing.keys(), ...fresh", replace: "...fresh" }],
  },
  {
    name: "a self-audit that ends where the store was away",
    patches: [
      {
        file: selfAudit,
        find: "      this.isFailing = true;\n",
        replace: "      this.isFailing = true;\n      this.stop.abort();\n",
      },
    ],
  },
  {
    name: "a health check that stays bad once it was",
    patches: [
      {
        file: "src/engine/health-report.ts",
        find: "if (isDeepStrictEqual(health, this.told)) return;",
        replace:
          "if (isDeepStrictEqual(health, this.told) || this.told.mismatchedMinutes.length > 0) return;",
      },
    ],
  },
];
