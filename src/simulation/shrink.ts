/** Cuts a failing history down to what its failure needs (delta debugging: Zeller and Hildebrandt, 2002). */

import type { Action, History } from "./history.ts";

export interface Shrunk {
  readonly history: History;
  readonly failure: string;
  /** Histories that were tried. */
  readonly runs: number;
}

/** `fails`: runs a history; what is wrong with it. `runsMax` bounds the search. */
export async function shrink(
  history: History,
  failure: string,
  fails: (history: History) => Promise<string | undefined>,
  runsMax = 300,
): Promise<Shrunk> {
  let best = { history, failure };
  let runs = 0;
  const attempt = async (smaller: History): Promise<boolean> => {
    if (runs >= runsMax) return false;
    runs++;
    const found = await fails(smaller);
    if (found === undefined) return false;
    best = { history: smaller, failure: found };
    return true;
  };
  // Fewer actions may let go of a fault, and fewer faults of an action.
  for (let sizeBefore = Infinity; sizeOf(best.history) < sizeBefore;) {
    sizeBefore = sizeOf(best.history);
    await shrinkList(best.history.faults, (faults) => attempt({ ...best.history, faults }));
    await shrinkList(best.history.actions, (actions) =>
      actions.length === 0 ? Promise.resolve(false) : attempt({ ...best.history, actions }),
    );
    await shrinkBatches(
      () => best.history.actions,
      (actions) => attempt({ ...best.history, actions }),
    );
  }
  return { ...best, runs };
}

/** Tries to do without ever smaller parts. */
async function shrinkList<T>(
  list: readonly T[],
  stillFails: (smaller: readonly T[]) => Promise<boolean>,
): Promise<void> {
  let current = list;
  for (let part = Math.ceil(current.length / 2); part >= 1; part = Math.floor(part / 2)) {
    for (let at = 0; at < current.length;) {
      const smaller = current.toSpliced(at, part);
      if (await stillFails(smaller)) current = smaller;
      else at += part;
    }
  }
}

/** Tries to do without single items of bodies. */
async function shrinkBatches(
  actions: () => readonly Action[],
  stillFails: (smaller: readonly Action[]) => Promise<boolean>,
): Promise<void> {
  for (let at = 0; at < actions().length; at++) {
    const action = actions()[at]!;
    if (action.kind !== "send" || action.batch.items.length < 2) continue;
    await shrinkList(action.batch.items, (items) => {
      if (items.length === 0) return Promise.resolve(false);
      return stillFails(actions().with(at, { ...action, batch: { ...action.batch, items } }));
    });
  }
}

function sizeOf({ actions, faults }: History): number {
  const items = actions.map((action) => (action.kind === "send" ? action.batch.items.length : 1));
  return faults.length + items.reduce((sum, n) => sum + n, 0);
}
