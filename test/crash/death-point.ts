/** How a process is made to kill itself at a place in its source: by a patch that it loads in memory. */
import type { SourcePatch } from "../support/source-patches.ts";

/** What makes a process pass a place: settings that differ from the last, clicks of a day not seen yet, a stop. */
type Need = "new settings" | "new day" | "stop";

export interface DeathPoint {
  readonly label: string;
  readonly file: string;
  /** `soon`: a moment after the anchor's statement was begun, amid what it has started in other threads. */
  readonly dies: "before" | "after" | "soon";
  /** Stands once in the file. */
  readonly anchor: string;
  /** It dies at one of the first so many passes. */
  readonly passesMax: number;
  readonly needs: Need | undefined;
}

export function point(
  label: string,
  file: string,
  dies: DeathPoint["dies"],
  anchor: string,
  passesMax = 1,
  needs?: Need,
): DeathPoint {
  return { label, file, dies, anchor, passesMax, needs };
}

/** So that a process dies at the pass `pass` of the point (from 1), in whichever thread that is. */
export function deathAt({ file, dies, anchor }: DeathPoint, pass: number): SourcePatch {
  const kill = 'process.kill(process.pid, "SIGKILL")';
  const die = dies === "soon" ? `setTimeout(() => ${kill}, 1)` : kill;
  const count = "(globalThis.deathPasses = (globalThis.deathPasses ?? 0) + 1)";
  const deed = `;if (${count} === ${pass}) ${die};\n`;
  return {
    file,
    find: anchor,
    replace: dies === "after" ? `${anchor}${deed}` : `${deed}${anchor}`,
  };
}

/** More often than in regular work, so that a short life meets checkpoints, folds and the chunks of a trim. */
export const frequentMaintenance: readonly SourcePatch[] = [
  {
    file: "src/engine/engine.ts",
    find: "checkpointMsMax: 30_000,",
    replace: "checkpointMsMax: 150,",
  },
  {
    file: "src/queue/sqlite/write-ahead-log.ts",
    find: "const foldBytes = 2 << 20;",
    replace: "const foldBytes = 128 << 10;",
  },
  {
    file: "src/queue/sqlite/trim.ts",
    find: "const chunkRecordsMax = 1_024;",
    replace: "const chunkRecordsMax = 4;",
  },
];
