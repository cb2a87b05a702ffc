/** What voids, releases and closes get wrong. */
import type { PlantedBug } from "./planted-bugs.ts";

const correction = "src/aggregate/step-correction.ts";

export const correctionBugs: readonly PlantedBug[] = [
  {
    name: "a void that changes a final number without a word",
    patches: [
      {
        file: correction,
        find: "      if (isFinal) buckets.restate(minute, click.adKey, change);\n",
        replace: "",
      },
    ],
  },
  {
    name: "a void that the ledger does not learn of",
    patches: [
      {
        file: "src/aggregate/change-outcome.ts",
        find: "  effects.addToLedger(click.source, minuteOf(click.receivedAtMs), 0, moved);\n",
        replace: "",
      },
    ],
  },
  {
    name: "a void that is undone into a count, whatever the click was before",
    patches: [
      {
        file: correction,
        find: '  return outcomeBefore === "expired" ? "quarantined" : outcomeBefore;',
        replace: '  return "counted";',
      },
    ],
  },
  {
    name: "a void that is looked up before what came before it is committed",
    patches: [
      {
        file: "src/pipeline/run-partition.ts",
        find: '    const isControl = record.kind === "control";\n    if (isControl) await this.flushNow();\n',
        replace: '    const isControl = record.kind === "control";\n',
      },
    ],
  },
  {
    name: "a release that does not deduplicate again",
    patches: [
      {
        file: correction,
        find: 'click.outcome === "expired" && (isRecorded || !this.late.admit(click))',
        replace: 'click.outcome === "expired" && !this.late.admit(click) && isRecorded',
      },
    ],
  },
  {
    name: "an import that counts in a closed period without a word",
    patches: [
      {
        file: "src/aggregate/lateness.ts",
        find: "if (history && !isClosed && !buckets",
        replace: "if (history && !buckets",
      },
    ],
  },
  {
    name: "a closed period that a restart forgets",
    patches: [
      {
        file: "src/pipeline/pipeline.ts",
        find: "watermarkMs, closedThrough, changes, dropped);",
        replace: "watermarkMs, -Infinity, changes, dropped);",
      },
    ],
  },
];
