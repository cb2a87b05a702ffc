/**
 * What a partition of the click queue holds. The counts are a function of these records alone, applied in
 * the order of their offsets: everything that may change an answer is one of them.
 */

import type { ClickBatch } from "./click-batch.ts";
import type { ErasedValues } from "./erasing.ts";
import type { ItemErrorCode } from "./errors.ts";
import type { LatePolicy, SemanticConfig } from "./semantic-config.ts";

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

/** A click as its sender named it; `event_id` as the API shows it (`derived:` and 32 hex digits where it was derived). */
export interface ClickIdentity {
  readonly ad_id: string;
  readonly event_id: string;
}

/** Clicks that somebody has found invalid: they stay in raw and are counted no more. `undo` takes that back. */
export interface VoidControl {
  readonly type: "void";
  /** Of the operation, given by who asked for it; parts of one operation have one id. */
  readonly id: string;
  readonly reason: string;
  readonly undo: boolean;
  readonly identities: readonly ClickIdentity[];
}

/** Lets quarantined and expired clicks of these event minutes, `[from_minute, to_minute)`, into the counts after all. */
export interface ReleaseControl {
  readonly type: "release";
  readonly id: string;
  readonly reason: string;
  readonly from_minute: number;
  readonly to_minute: number;
  /** Of this ad alone; null: of all. */
  readonly ad_id: string | null;
  /** Clicks of a partition that one record releases, the earliest first. */
  readonly clicks_max: number;
}

/** Seals the numbers of all minutes before `through_minute` as they are at its commit. */
export interface CloseControl {
  readonly type: "close";
  readonly id: string;
  readonly through_minute: number;
  /** IANA name of the zone that the period was named in; for people. */
  readonly tz: string;
}

/** Counts the minute rows of final minutes, `[from_minute, to_minute)`, anew from raw. */
export interface RecomputeControl {
  readonly type: "recompute";
  readonly id: string;
  readonly reason: string;
  readonly from_minute: number;
  readonly to_minute: number;
  /** Clicks that came late are to have the outcome that this policy gives them; null: the one they have. */
  readonly late: LatePolicy | null;
}

/** Undoes a recompute, where it is the last that was applied. */
export interface RollbackControl {
  readonly type: "rollback";
  readonly id: string;
  readonly reason: string;
  readonly recompute_id: string;
}

/**
 * Days (epoch days, UTC) before these need no longer be kept: clicks before the one, counts before the other, which is not
 * later. Which of them go follows from the clicks that the log has brought until then (aggregate/step-retention.ts).
 */
export interface RetentionControl {
  readonly type: "retention";
  readonly raw_before_day: number;
  readonly minute_before_day: number;
}

/** Takes a field away from every click recorded before that has one of these values; the clicks stay, and count as before. */
export interface EraseControl extends ErasedValues {
  readonly type: "erase";
  readonly id: string;
  readonly reason: string;
}

/** What changes the outcome of clicks that were recorded before. */
export type CorrectionControl = VoidControl | ReleaseControl;
export type RecountControl = RecomputeControl | RollbackControl;

export type Control =
  | { readonly type: "config"; readonly config: SemanticConfig }
  | { readonly type: "ad_attributes"; readonly changes: readonly AdAttributesChange[] }
  | CorrectionControl
  | CloseControl
  | RecountControl
  | RetentionControl
  | EraseControl;

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
