import { CodedError } from "../model/errors.ts";
import type { RecoveredState } from "../store/click-store.ts";

/** Settings of a generation that the log has left behind would be ignored by the fold without a word. */
export function checkGeneration({ configs }: Pick<RecoveredState, "configs">, known: number): void {
  const stored = configs.at(-1)?.generation ?? 0;
  if (stored <= known) return;
  throw new CodedError(
    "data_corrupt",
    `the store knows settings of generation ${stored}, config.json only up to ${known}: ` +
      "it is from another time than the store; put the newer one back",
    { field: "data_dir", details: { stored, known } },
  );
}
