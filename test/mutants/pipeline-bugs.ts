/** What the code between log, fold and store gets wrong: order, retries, recovery. */
import type { PlantedBug } from "./planted-bugs.ts";

const committer = "src/pipeline/committer.ts";
const maintenance = "src/pipeline/maintenance.ts";
const recovery = "src/pipeline/recovery.ts";
const runner = "src/pipeline/run-partition.ts";

const commitTry =
  'const count = await this.untilDone("commit", () => this.store.commit(first.commit, ...behind));';

export const pipelineBugs: readonly PlantedBug[] = [
  {
    name: "the log trimmed before the checkpoint",
    patches: [
      {
        file: maintenance,
        find: 'const covered = await this.attempt("checkpoint", () => this.store.checkpoint());',
        replace: `const early = await this.attempt("checkpoint", () => this.store.recover());
          if (early) await this.attempt("trim", () => this.trim(early.progress));
          const covered = await this.attempt("checkpoint", () => this.store.checkpoint());`,
      },
    ],
  },
  {
    name: "the log trimmed though the checkpoint failed",
    patches: [
      {
        file: maintenance,
        find: 'const done = covered && (await this.attempt("trim", () => this.trim(covered)));',
        replace: `const reached = covered ?? (await this.attempt("trim", () => this.store.recover()))?.progress ?? [];
          const done = await this.attempt("trim", () => this.trim(reached));`,
      },
    ],
  },
  {
    name: "an import after a start that takes all minutes for empty",
    patches: [
      {
        file: recovery,
        find: "recorded.begin(extent);",
        replace: "recorded.begin(undefined);",
      },
    ],
  },
  {
    name: "an import that does not know of what came before it in this life",
    patches: [
      {
        file: "src/aggregate/step-clicks.ts",
        find: "state.recorded.note(record);",
        replace: "",
      },
    ],
  },
  {
    name: "an import into a closed period that tells of no change",
    patches: [
      {
        file: "src/aggregate/state.ts",
        find: "return minute >= this.closedThroughMinute && !this.recorded.mayHave(minute);",
        replace: "return !this.recorded.mayHave(minute);",
      },
    ],
  },
  {
    name: "a delta written twice where the commit's fate was unknown",
    patches: [
      {
        file: committer,
        find: commitTry,
        replace: `const count = await this.untilDone("commit", () =>
          this.store.commit(...this.pending.map(({ commit }) => commit)).catch(async (error: unknown) => {
            const { sequence } = await this.store.recover();
            const shift = sequence + 1 - first.commit.sequence;
            this.lastSequence += shift;
            for (const own of this.pending)
              Object.assign(own, { commit: { ...own.commit, sequence: own.commit.sequence + shift } });
            throw error;
          }));`,
      },
    ],
  },
  {
    name: "a commit given up after three tries",
    patches: [
      {
        file: "src/pipeline/retry.ts",
        find: "      failed(error, tries);\n",
        // Reads of the log, which have a rule of their own for what may pass, go on being tried.
        replace: `      failed(error, tries);
      if (tries === 3 && mayPass === isNotLasting) return undefined as T;
`,
      },
    ],
  },
  {
    name: "a commit told of before it is done",
    patches: [
      {
        file: committer,
        find: commitTry,
        replace: `this.listener.committed(first.commit, 0);\n    ${commitTry}`,
      },
      {
        file: committer,
        find: "      this.listener.committed(commit, durationMs);\n",
        replace:
          "      if (commit !== first.commit) this.listener.committed(commit, durationMs);\n",
      },
    ],
  },
  {
    name: "commits that the store left for later taken for done",
    patches: [
      {
        file: committer,
        find: "of [first, ...more].slice(0, count)) {",
        replace: "of [first, ...more]) {",
      },
    ],
  },
  {
    name: "a record stepped twice after a failed commit",
    patches: [
      {
        file: "src/pipeline/retry.ts",
        find: "      failed(error, tries);\n",
        replace:
          "      failed(error, tries);\n      Object.assign(globalThis, { hasFailed: true });\n",
      },
      {
        file: runner,
        find: "      await this.takeClicks(stored.offset, record);\n",
        replace: `      await this.takeClicks(stored.offset, record);
          if (Reflect.get(globalThis, "hasFailed")) {
            Object.assign(globalThis, { hasFailed: false });
            await this.takeClicks(stored.offset, record);
          }
`,
      },
    ],
  },
  {
    name: "a tick passed over clicks that are still in the queue",
    patches: [
      {
        file: runner,
        find: "      for (const record of records) {\n",
        replace: `      for (const { bytes } of records) {
            const early = decodeLogRecord(bytes);
            if (early.kind === "tick") step(this.state, { kind: "other", record: early }, this.effects);
          }
          for (const record of records) {
`,
      },
    ],
  },
  {
    name: "the store asked before it has the commits before",
    patches: [
      {
        file: runner,
        find: "      await this.flushNow();\n      answers",
        replace: "      answers",
      },
    ],
  },
  {
    name: "progress that is one record ahead",
    patches: [
      {
        file: runner,
        find: "      nextOffset: this.nextOffset,\n      watermarkMs",
        replace: "      nextOffset: this.nextOffset + 1,\n      watermarkMs",
      },
    ],
  },
  {
    name: "a rebuild that forgets the older ids",
    patches: [
      {
        file: recovery,
        find: "!(await scan(fromMinute, toMinute * minuteMs, true))",
        replace: "false",
      },
    ],
  },
  {
    name: "a rebuild that forgets the recent ids",
    patches: [
      {
        file: recovery,
        find: "if (minute < dedup.firstExactMinute !== isOlder) continue;",
        replace: "if (minute < dedup.firstExactMinute + 5 !== isOlder) continue;",
      },
    ],
  },
  {
    name: "a rebuild that decides again by another watermark",
    patches: [
      {
        file: "src/pipeline/pipeline.ts",
        find: "progress?.watermarkMs ?? -Infinity",
        replace: "progress === undefined ? -Infinity : progress.watermarkMs - 120_000",
      },
    ],
  },
  {
    name: "progress outside the log taken for the log's beginning",
    patches: [
      {
        file: runner,
        find: "if (this.nextOffset >= firstOffset && this.nextOffset <= nextOffset) return;",
        replace: "if (this.nextOffset < firstOffset) this.nextOffset = firstOffset;\n    return;",
      },
    ],
  },
];
