/** What adapters of the queue and the store get wrong, planted into the simulated ones, and what queries do. */
import type { PlantedBug } from "./planted-bugs.ts";

const queue = "src/simulation/queue/simulated-queue.ts";
const store = "src/simulation/store/simulated-store.ts";

export const storageBugs: readonly PlantedBug[] = [
  {
    name: "ack before the sync",
    patches: [
      {
        file: queue,
        find: "await steps.step(`${protocol}.sync`, () => file.sync());",
        replace: "void steps.step(`${protocol}.sync`, () => file.sync()).catch(() => {});",
      },
    ],
  },
  {
    name: "a log cut at its first damage, wherever that is",
    patches: [
      {
        file: queue,
        find: "if (whole < syncedCount || !isTail) throw damaged(whole);",
        replace: "",
      },
    ],
  },
  {
    name: "a damaged record skipped in reading",
    patches: [
      {
        file: queue,
        find: "if (unsealed(this.file.chunks[chunk]!) === undefined) throw damaged(chunk);",
        replace: "if (unsealed(this.file.chunks[chunk]!) === undefined) continue;",
      },
    ],
  },
  {
    name: "progress before the rows",
    patches: [
      {
        file: store,
        find: 'await this.write({ kind: "commits", parts }, "commit");',
        replace: `const log = this.disk.file(fileNames.storeLog);
          const early = parts.map(({ commit, historyId }) => ({
            commit: { ...commit, clicks: [], ledger: [], restatements: [], minutes: { ...commit.minutes, rowCount: 0 } },
            historyId,
          }));
          log.append(sealed({ kind: "commits", parts: early }));
          log.sync();
          await this.write({ kind: "commits", parts }, "commit");
          log.chunks.splice(log.chunks.length - 2, 1);
          log.syncedCount--;`,
      },
    ],
  },
  {
    name: "a commit that is given again refused",
    patches: [
      {
        file: store,
        find: "if (known.length > 0) return known.length;",
        replace: "",
      },
    ],
  },
  {
    name: "a checkpoint that covers what came during it",
    patches: [
      {
        file: store,
        find: "    return covered;\n",
        replace: "    return progressOf(this.contents);\n",
      },
    ],
  },
  {
    name: "the log truncated before the snapshot is in its place",
    patches: [
      {
        file: store,
        find: 'await steps.step("checkpoint.write", () => disk.file(newSnapshot).append(content));',
        replace:
          'await steps.step("checkpoint.write", () => { disk.file(newSnapshot).append(content); dropCovered(disk.file(storeLog), sequence); });',
      },
    ],
  },
  {
    name: "expired clicks taken for recorded",
    patches: [
      {
        file: "src/simulation/store/clicks.ts",
        find: "  Outcome.expired,\n",
        replace: "",
      },
    ],
  },
  {
    name: "quarantined clicks forgotten by dedup",
    patches: [
      {
        file: "src/simulation/store/clicks.ts",
        find: "  Outcome.duplicate,\n",
        replace: "  Outcome.duplicate,\n  Outcome.quarantined,\n",
      },
    ],
  },
  {
    name: "recent minutes evicted with one bucket still answered",
    patches: [
      {
        file: "src/query/hot-minutes.ts",
        find: "this.totalsFrom = Math.max(this.totalsFrom, oldest.minute + 1);",
        replace: "this.totalsFrom = Math.max(this.totalsFrom, oldest.minute);",
      },
    ],
  },
  {
    name: "recent minutes answered before they are loaded",
    patches: [
      {
        file: "src/query/hot-minutes.ts",
        find: "options.isToLoad ? Infinity : -Infinity",
        replace: "-Infinity",
      },
      {
        file: "src/query/hot-minutes.ts",
        find: "    this.totalsFrom = this.detailFrom = from;\n    while (from",
        replace: "    while (from",
      },
    ],
  },
  {
    name: "recent minutes answered that were never loaded",
    patches: [
      {
        file: "src/query/hot-minutes.ts",
        find: "if (from === extent.firstMinute) this.totalsFrom",
        replace: "this.totalsFrom",
      },
    ],
  },
  {
    name: "settings taken for appended before they are",
    patches: [
      {
        file: "src/config/config-log.ts",
        find: "appended: false, maxFutureMs }",
        replace: "appended: true, maxFutureMs }",
      },
    ],
  },
  {
    name: "a page of the journal that begins after what none has shown",
    patches: [
      {
        file: "src/query/restatements-answer.ts",
        find: "? shown.at(-1) : undefined",
        replace: "? rows.at(-1) : undefined",
      },
    ],
  },
  {
    name: "numbers as they stood with what came since",
    patches: [
      {
        file: "src/query/past-state.ts",
        find: "visibilityOf(this.closed.periods, snapshot.asOf)",
        replace: "visibilityOf(this.closed.periods)",
      },
    ],
  },
  {
    name: "numbers told as they stood that were not final",
    patches: [
      {
        file: "src/query/query-engine.ts",
        find: "    past.checkFinal(query.range);\n",
        replace: "",
      },
    ],
  },
  {
    name: "revisions of now beside numbers of then",
    patches: [
      {
        file: "src/query/restated-buckets.ts",
        find: "entry.asOf <= asOf && ",
        replace: "",
      },
    ],
  },
];
