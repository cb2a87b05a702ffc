/**
 * What a partition of the click queue holds. The counts are a function of these records alone, applied in
 * the order of their offsets: everything that may change an answer is one of them.
 */

import type { ClickBatch } from "./click-batch.ts";
import type { ItemErrorCode } from "./errors.ts";
import type { SemanticConfig } from "./semantic-config.ts";

/** Accepted clicks of one source. */
export interface ClicksRecord {
  readonly kind: "clicks";
  /** Epoch ms, stamped right before the append. */
  readonly receivedAtMs: number;
  readonly source: string;
  /** An import: never moves the watermark, is never late. */
  readonly history: boolean;
  readonly batch: ClickBatch;
}

/** Silence: lets the watermark move on where no clicks come. */
export interface TickRecord {
  readonly kind: "tick";
  readonly receivedAtMs: number;
}

/** Items refused at ingest, logged before their sender is told. */
export interface RejectsRecord {
  readonly kind: "rejects";
  readonly receivedAtMs: number;
  readonly source: string;
  readonly counts: Readonly<Partial<Record<ItemErrorCode, number>>>;
}

export interface AdAttributesChange {
  readonly ad_id: string;
  /** null removes an attribute. */
  readonly attributes: Readonly<Record<string, string | null>>;
  /** First minute (epoch minutes) the attributes hold for. */
  readonly valid_from_minute: number;
}

export type Control =
  | { readonly type: "config"; readonly config: SemanticConfig }
  | { readonly type: "ad_attributes"; readonly changes: readonly AdAttributesChange[] };

export interface ControlRecord {
  readonly kind: "control";
  readonly receivedAtMs: number;
  readonly control: Control;
}

export type LogRecord = ClicksRecord | TickRecord | RejectsRecord | ControlRecord;

/** A place in the log. Offsets count records of a partition, from 0. */
export interface Position {
  readonly partition: number;
  readonly offset: number;
}
