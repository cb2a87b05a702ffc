/**
 * Mistakes that protocols like these are known to be made with, each a small patch of the source. The simulator has to
 * catch every one of them: a proof that would not notice these proves nothing.
 */
import type { HistoryKind } from "../../src/simulation/history-kinds.ts";
import type { SourcePatch } from "../support/source-patches.ts";
import { aggregateBugs } from "./aggregate-bugs.ts";
import { auditBugs } from "./audit-bugs.ts";
import { correctionBugs } from "./correction-bugs.ts";
import { eraseBugs } from "./erase-bugs.ts";
import { changesBugs } from "./changes-bugs.ts";
import { backupBugs } from "./backup-bugs.ts";
import { closeBugs } from "./close-bugs.ts";
import { pipelineBugs } from "./pipeline-bugs.ts";
import { recomputeBugs } from "./recompute-bugs.ts";
import { retentionBugs } from "./retention-bugs.ts";
import { sharedBugs } from "./shared-bugs.ts";
import { spreadBugs } from "./spread-bugs.ts";
import { storageBugs } from "./storage-bugs.ts";

export interface PlantedBug {
  readonly name: string;
  /** Of the histories that have to catch it; default: those of one process. */
  readonly kind?: HistoryKind;
  readonly patches: readonly SourcePatch[];
}

export const plantedBugs: readonly PlantedBug[] = [
  ...storageBugs,
  ...pipelineBugs,
  ...aggregateBugs,
  ...correctionBugs,
  ...auditBugs,
  ...changesBugs,
  ...backupBugs,
  ...recomputeBugs,
  ...closeBugs,
  ...retentionBugs,
  ...eraseBugs,
  ...sharedBugs,
  ...spreadBugs,
];
