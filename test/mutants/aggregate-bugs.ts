/** What a fold of clicks gets wrong: watermark, lateness, dedup, counting. */
import type { PlantedBug } from "./planted-bugs.ts";

const step = "src/aggregate/step-clicks.ts";
const deduplicate = "src/aggregate/deduplicate.ts";
const reached =
  "const reachedMs = (time < receivedAtMs ? time : receivedAtMs) - config.outOfOrdernessMs;";

export const aggregateBugs: readonly PlantedBug[] = [
  {
    name: "a watermark of the wall clock",
    patches: [
      {
        file: step,
        find: reached,
        replace: "const reachedMs = receivedAtMs - config.outOfOrdernessMs;",
      },
    ],
  },
  {
    name: "a watermark that a clock ahead pins",
    patches: [
      { file: step, find: reached, replace: "const reachedMs = time - config.outOfOrdernessMs;" },
    ],
  },
  {
    name: "a watermark per batch instead of per row",
    patches: [
      {
        file: step,
        find: reached,
        replace:
          "const reachedMs = Math.min(Math.max(...clickTimestamps), receivedAtMs) - config.outOfOrdernessMs;",
      },
    ],
  },
  {
    name: "imports that move the watermark",
    patches: [
      {
        file: step,
        find: "    const time = clickTimestamps[row]!;\n    if (!history) {",
        replace: "    const time = clickTimestamps[row]!;\n    if (time > 0) {",
      },
    ],
  },
  {
    name: "a tick that takes silence for the present",
    patches: [
      {
        file: "src/aggregate/step.ts",
        find: "        record.receivedAtMs - state.shared.configAtReceipt(record.receivedAtMs).idleLagMs,\n",
        replace: "        record.receivedAtMs,\n",
      },
    ],
  },
  {
    name: "imports that expire",
    patches: [
      {
        file: step,
        find: "(!history && time < expiredBeforeMs)",
        replace: "(time < expiredBeforeMs)",
      },
    ],
  },
  {
    name: "finality as of the batch's beginning",
    patches: [
      { file: step, find: "        finalBefore = watermark.finalBeforeMinute;\n", replace: "" },
    ],
  },
  {
    name: "a bucket final one minute early",
    patches: [
      {
        file: "src/model/finality.ts",
        find: "Math.floor((watermarkMs - config.allowedLatenessMs) / minuteMs)",
        replace: "Math.ceil((watermarkMs - config.allowedLatenessMs) / minuteMs)",
      },
    ],
  },
  {
    name: "settings in force as soon as they are known",
    patches: [
      {
        file: "src/model/semantic-config.ts",
        find: "if (minute >= configs[i]!.fromMinute) return configs[i]!;",
        replace: "return configs[i]!;",
      },
    ],
  },
  {
    name: "ids evicted one bucket early",
    patches: [
      {
        file: deduplicate,
        find: "const firstMinute = Math.max(recentMinute, reachableMinute);",
        replace: "const firstMinute = Math.max(recentMinute, reachableMinute) + 1;",
      },
    ],
  },
  {
    name: "ids beyond the filters taken for new",
    patches: [
      {
        file: "src/aggregate/older-ids.ts",
        find: "if (minute < this.firstCompleteMinute) return true;",
        replace: "if (minute < this.firstCompleteMinute) return false;",
      },
    ],
  },
  {
    name: "an id twice in one record counted twice",
    patches: [
      {
        file: deduplicate,
        find: "    if (this.addedNow.has(id)) return Known.sameMinute;\n",
        replace: "",
      },
    ],
  },
  {
    name: "a filter's perhaps taken for a yes",
    patches: [
      {
        file: deduplicate,
        find: "if (recordedInStore) return Known.sameMinute;",
        replace: "if (this.needsStore(hash, at, minute)) return Known.sameMinute;",
      },
    ],
  },
  {
    name: "an identity without its ad",
    patches: [
      {
        file: "src/aggregate/identity.ts",
        find: "hashInto(this.adKeysMaterial, adKey * identityWords, words, at, 4, last, out, outAt);",
        replace: "hashInto(this.adKeysMaterial, identityWords, words, at, 4, last, out, outAt);",
      },
    ],
  },
  {
    name: "late clicks counted without a revision",
    patches: [
      {
        file: "src/aggregate/restate.ts",
        find: "revision: bucket.revisionBefore + 1,",
        replace: "revision: Math.max(1, bucket.revisionBefore),",
      },
    ],
  },
  {
    name: "a journal that forgets what the record counted before",
    patches: [
      {
        file: "src/aggregate/restate.ts",
        find: "const before = bucket.countBefore + bucket.counted;",
        replace: "const before = bucket.countBefore;",
      },
    ],
  },
  {
    name: "late clicks counted though they are to be quarantined",
    patches: [
      {
        file: "src/aggregate/lateness.ts",
        find: 'if (!history && late === "quarantine") return Outcome.quarantined;',
        replace: "",
      },
    ],
  },
  {
    name: "a ledger by the minute of the click",
    patches: [
      {
        file: step,
        find: "effects.addToLedger(record.source, minuteOf(receivedAtMs), rowCount, tally);",
        replace:
          "effects.addToLedger(record.source, minuteOf(clickTimestamps[0]!), rowCount, tally);",
      },
    ],
  },
  {
    name: "rejected items that no record is said to have held",
    patches: [
      {
        file: "src/aggregate/step.ts",
        find: "minuteOf(record.receivedAtMs), rejected, counts);",
        replace: "minuteOf(record.receivedAtMs), 0, counts);",
      },
    ],
  },
];
