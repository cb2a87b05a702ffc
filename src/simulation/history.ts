/**
 * A history: everything that a run of the simulator is told to do, as data. It follows from a seed alone, and can be
 * cut down to find the part that a failure needs.
 */

import type { Control } from "../model/log-record.ts";
import type { SemanticConfig } from "../model/semantic-config.ts";
import type { PlannedFault } from "./world/faults.ts";

export interface History {
  readonly seed: number;
  readonly settings: HistorySettings;
  /** In the order of their times. */
  readonly actions: readonly Action[];
  readonly faults: readonly PlannedFault[];
}

export type SemanticSettings = Omit<SemanticConfig, "generation" | "fromMinute">;

export interface HistorySettings {
  /** Wall clock at the start, epoch ms. */
  readonly startMs: number;
  readonly semantic: SemanticSettings;
  readonly partitionCount: number;
  /** See Partitioning; above 1 with several processes alone. */
  readonly spread: number;
  readonly commit: { readonly delayMsMax: number; readonly clicksMax: number };
  readonly maintenance: { readonly checkpointMsMax: number; readonly checkpointClicksMax: number };
  readonly queueBytesMax: number;
  readonly hotBytesMax: number;
  readonly tickEveryMs: number;
  /** Absent: one process with a disk of its own. Of several over a topic and a database, when each is there first (simulated ms). */
  readonly processStartsMs?: readonly number[];
}

/** Times are simulated ms since the start. */
export type Action = { readonly atMs: number } & (
  | { readonly kind: "send"; readonly batch: SentBatch }
  | { readonly kind: "control"; readonly control: Control }
  /** Stops the service as an operator would, and starts it, perhaps with other settings. */
  | { readonly kind: "restart"; readonly semantic: SemanticSettings }
  | { readonly kind: "ask"; readonly question: Question }
  /** Copies everything beside what runs; in the end a service is started on the copy. */
  | { readonly kind: "backup" }
);

/** One body of one client, sent again until it is answered or the client gives up. */
export interface SentBatch {
  readonly source: string;
  readonly format: "json" | "ndjson" | "batch";
  readonly history: boolean;
  /** Asks with `?wait=counted`. */
  readonly waits: boolean;
  readonly triesMax: number;
  readonly items: readonly SentItem[];
}

export interface SentItem {
  /** What the client sends: a click, or something that is none. */
  readonly fields: Readonly<Record<string, string | number | null>>;
  readonly isValid: boolean;
}

/** `[fromMinute, toMinute)` in epoch minutes; filters in RSQL. */
export interface Question {
  readonly kind: "count" | "top" | "cells" | "explain";
  readonly fromMinute: number;
  readonly toMinute: number;
  readonly adId: string;
  readonly filter?: string;
  /** Asks as of an earlier commit: at this share of those so far, 0 to 1. */
  readonly asOfShare?: number;
}
