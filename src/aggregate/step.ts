/**
 * The fold: one record of a partition's log changes the state and adds its effects. No clock, no I/O, no await:
 * what it needs of the store (survey.ts) is passed in. Rows are decided one after the other, so that
 * any cut of the log into micro-batches comes to the same.
 *
 * The state is advanced in place. A record is stepped once on one state; a commit that fails is retried
 * with the same effects, never stepped again.
 */

import type { DayReceipt } from "../model/dropped-days.ts";
import type { ValueHolder } from "../model/erasing.ts";
import type {
  ControlRecord,
  LogRecord,
  RejectsRecord,
  RetentionControl,
} from "../model/log-record.ts";
import { Outcome, outcomeCount } from "../model/outcome.ts";
import { minuteOf } from "../model/time.ts";
import type { Effects } from "./effects.ts";
import type { MappedClicks } from "./map.ts";
import type { PartitionState } from "./state.ts";
import type { StoreAnswers } from "./step-clicks.ts";
import { stepClicks } from "./step-clicks.ts";
import { stepClose } from "./step-close.ts";
import type { Correction, CorrectionAnswers } from "./step-correction.ts";
import { stepCorrection } from "./step-correction.ts";
import type { Erase } from "./step-erase.ts";
import { stepErase } from "./step-erase.ts";
import type { Recompute, RecomputeAnswers } from "./step-recompute.ts";
import { stepRecompute } from "./step-recompute.ts";
import { stepRetention } from "./step-retention.ts";

/**
 * A record of the log; clicks come mapped, with the store's answers where the survey asked for any, corrections with the
 * clicks that they may concern.
 */
export type StepInput =
  | {
      readonly kind: "clicks";
      readonly clicks: MappedClicks;
      readonly answers: StoreAnswers | undefined;
    }
  | {
      readonly kind: "correction";
      readonly correction: Correction;
      readonly answers: CorrectionAnswers;
    }
  | {
      readonly kind: "recompute";
      readonly recompute: Recompute;
      readonly answers: RecomputeAnswers;
    }
  | {
      readonly kind: "retention";
      readonly control: RetentionControl;
      readonly receipts: readonly DayReceipt[];
    }
  | {
      readonly kind: "erase";
      readonly erase: Erase;
      readonly holders: readonly ValueHolder[];
    }
  | {
      readonly kind: "other";
      readonly offset: number;
      readonly record: Exclude<LogRecord, { kind: "clicks" }>;
    };

export function step(state: PartitionState, input: StepInput, effects: Effects): void {
  if (input.kind === "clicks") {
    stepClicks(state, input.clicks, input.answers, effects);
    return;
  }
  if (input.kind === "correction") {
    stepCorrection(state, input.correction, input.answers, effects);
    return;
  }
  if (input.kind === "recompute") {
    stepRecompute(state, input.recompute, input.answers, effects);
    return;
  }
  if (input.kind === "retention") {
    stepRetention(state, input.control, input.receipts, effects);
    return;
  }
  if (input.kind === "erase") {
    stepErase(state, input.erase, input.holders, effects);
    return;
  }
  const { offset, record } = input;
  switch (record.kind) {
    case "tick":
      state.watermark.advanceTo(
        record.receivedAtMs - state.shared.configAtReceipt(record.receivedAtMs).idleLagMs,
      );
      break;
    case "rejects":
      stepRejects(record, effects);
      break;
    case "control":
      stepControl(state, offset, record, effects);
      break;
  }
}

function stepRejects(record: RejectsRecord, effects: Effects): void {
  const counts = new Float64Array(outcomeCount);
  const rejected = Object.values(record.counts).reduce((sum, count) => sum + count, 0);
  counts[Outcome.invalid] = rejected;
  effects.addToLedger(record.source, minuteOf(record.receivedAtMs), rejected, counts);
}

function stepControl(
  state: PartitionState,
  offset: number,
  record: ControlRecord,
  effects: Effects,
): void {
  const { control } = record;
  switch (control.type) {
    case "config":
      state.shared.addConfig(control.config);
      state.watermark.reconfigure(state.shared.configs);
      // The first record of a partition: from here on there is a watermark, as if silence had ended.
      if (state.watermark.ms === -Infinity) {
        state.watermark.advanceTo(record.receivedAtMs - control.config.idleLagMs);
      }
      break;
    case "ad_attributes":
      for (const change of control.changes) effects.adAttributes.push(change);
      break;
    case "close":
      stepClose(state, offset, record.receivedAtMs, control, effects);
      break;
    case "void":
    case "release":
    case "recompute":
    case "rollback":
    case "retention":
    case "erase":
      throw new Error(`a ${control.type} is stepped with what it concerns of the store`);
  }
}
