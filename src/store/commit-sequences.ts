import type { Commit } from "../model/commit.ts";
import { CodedError } from "../model/errors.ts";

/**
 * Of what a store is given: one behind the other, behind the last commit that it has or from one that it has on. Throws
 * `data_corrupt`.
 */
export function assertSequences(
  commits: readonly Pick<Commit, "sequence">[],
  lastSequence: number,
): void {
  let next = Math.min(commits[0]?.sequence ?? 0, lastSequence + 1);
  for (const { sequence } of commits) {
    if (sequence !== next++)
      throw new CodedError(
        "data_corrupt",
        `commit ${sequence} given to a store whose last commit is ${lastSequence}`,
      );
  }
}
