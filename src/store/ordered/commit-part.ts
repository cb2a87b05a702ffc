import type { Commit } from "../../model/commit.ts";
import type { HistoryStart } from "../changes.ts";

/** A commit under its sequence in the order of commits, and the history that it begins. */
export interface CommitPart {
  readonly commit: Commit;
  readonly history: HistoryStart | undefined;
}
