/**
 * Recompute: minute rows of final minutes become what a recount of raw gives, and late clicks what another policy says.
 * Nothing is replaced in place: what differs is added, in the open, so that numbers as of earlier commits stay what
 * they were. A rollback adds the negative of it; where the rows had been given other dimensions it counts anew instead, for
 * what came since has them too.
 */

import type { MinuteChanges } from "../model/commit.ts";
import type { RecountControl } from "../model/log-record.ts";
import { outcomeByPolicy } from "../model/late-policy.ts";
import type { BucketChange } from "../model/minute-changes.ts";
import type { LayoutPiece } from "../model/minute-layout.ts";
import type { OutcomeName } from "../model/outcome.ts";
import type { RecomputeRefusal } from "../model/recompute.ts";
import type { RecordedClick } from "../model/recorded-click.ts";
import { minuteOf } from "../model/time.ts";
import type { MinuteRange } from "../model/window.ts";
import { changeOutcome, countChange, keyColumnsOf } from "./change-outcome.ts";
import type { Effects } from "./effects.ts";
import { layoutMasks, maskOf } from "./layout-mask.ts";
import { addMinuteChanges } from "./minute-changes.ts";
import type { RecordBuckets } from "./restate.ts";
import type { PartitionState } from "./state.ts";

/** A control record that has minutes counted anew, with where it stands. */
export interface Recompute {
  readonly offset: number;
  readonly receivedAtMs: number;
  readonly control: RecountControl;
}

/** The store's answers, as of the commit right before the record; or why it is refused. */
export type RecomputeAnswers = { readonly refusal: RecomputeRefusal } | RecomputeMaterial;

export interface RecomputeMaterial {
  readonly refusal?: undefined;
  readonly range: MinuteRange;
  /** What the rows of which minutes have from now on, where that changes. */
  readonly layoutChanges: readonly LayoutPiece[];
  /**
   * Of this partition's ads. Of a recompute, and of a rollback to another layout: what its minute rows lack of raw as it is.
   * Of any other rollback: what the commit of the recompute has added to them.
   */
  readonly changes: MinuteChanges;
  /** What `changes` come to. */
  readonly bucketChanges: readonly BucketChange[];
  /** Of a recompute those that the policy may change, of a rollback those that the recompute has changed. */
  readonly clicks: readonly RecordedClick[];
  /** Those of the clicks and of the changes of buckets. */
  readonly buckets: RecordBuckets;
}

export function stepRecompute(
  state: PartitionState,
  { offset, receivedAtMs, control }: Recompute,
  answers: RecomputeAnswers,
  effects: Effects,
): void {
  const { id, type, reason } = control;
  const { partition } = state;
  const record = { id, type, reason, partition, offset, receivedAtMs };
  if (answers.refusal !== undefined) {
    effects.operations.push({ ...record, result: { applied: 0, [answers.refusal]: 1 } });
    return;
  }
  const { range, buckets } = answers;
  for (const piece of answers.layoutChanges) {
    const change = { ...piece, partition, id };
    state.layoutChanges.push(change);
    effects.layoutChanges.push(change);
  }
  const clicks =
    control.type === "recompute"
      ? recompute(state, answers, effects, (click) =>
          control.late === null ? click.outcome : outcomeByPolicy(click, control.late),
        )
      : answers.layoutChanges.length > 0
        ? recompute(state, answers, effects, outcomeUndone)
        : rollBack(state, answers, effects);
  const restatements = buckets.restatements({ reason: type, partition, offset, receivedAtMs });
  effects.restate(restatements);
  const result = {
    applied: 1,
    from_minute: range.fromMinute,
    to_minute: range.toMinute,
    rows: effects.minutes.rows,
    buckets: restatements.length,
    clicks,
    change: restatements.reduce((sum, { before, after }) => sum + after - before, 0),
  };
  effects.operations.push({ ...record, result });
}

/** Resolves to how many clicks have another outcome now. */
function recompute(
  state: PartitionState,
  { changes, bucketChanges, clicks, buckets }: RecomputeMaterial,
  effects: Effects,
  outcomeOf: (click: RecordedClick) => OutcomeName,
): number {
  addMinuteChanges(state.shared, changes, effects);
  for (const { minute, adKey, change } of bucketChanges) buckets.restate(minute, adKey, change);
  const counts = new ClickCounts(state, clicks, buckets, effects);
  let changed = 0;
  for (const [row, click] of clicks.entries()) {
    const after = outcomeOf(click);
    if (after === click.outcome) continue;
    changeOutcome(click, after, effects);
    counts.add(row, countChange(click.outcome, after));
    changed++;
  }
  return changed;
}

/** What became of a click since then stands, and with it what the recompute had made of its count. */
function rollBack(
  state: PartitionState,
  { changes, bucketChanges, clicks, buckets }: RecomputeMaterial,
  effects: Effects,
): number {
  const negative = { ...changes, changes: changes.changes.map((change) => -change) };
  addMinuteChanges(state.shared, negative, effects);
  for (const { minute, adKey, change } of bucketChanges) buckets.restate(minute, adKey, -change);
  const counts = new ClickCounts(state, clicks, buckets, effects);
  let changed = 0;
  for (const [row, click] of clicks.entries()) {
    const undone = outcomeUndone(click);
    if (undone !== click.outcome) {
      changeOutcome(click, undone, effects);
      changed++;
    } else counts.add(row, countChange(click.outcomeBefore!, madeOf(click)));
  }
  return changed;
}

/** What a click was before the recompute that is undone, where it still is what that has made of it. */
function outcomeUndone(click: RecordedClick): OutcomeName {
  return click.outcome === madeOf(click) ? click.outcomeBefore! : click.outcome;
}

function madeOf({ outcomeBefore }: RecordedClick): OutcomeName {
  return outcomeBefore === "restated" ? "quarantined" : "restated";
}

/** Adds single clicks to the counts of final buckets. */
class ClickCounts {
  private readonly clicks: readonly RecordedClick[];
  private readonly buckets: RecordBuckets;
  private readonly effects: Effects;
  private readonly columns: readonly Int32Array[];
  private readonly masks: ReturnType<typeof layoutMasks>;

  constructor(
    { shared, layoutChanges }: PartitionState,
    clicks: readonly RecordedClick[],
    buckets: RecordBuckets,
    effects: Effects,
  ) {
    this.clicks = clicks;
    this.buckets = buckets;
    this.effects = effects;
    const { names, columns } = effects.minutes.align(keyColumnsOf(shared, clicks), clicks.length);
    this.columns = columns;
    this.masks = layoutMasks(shared.configs, layoutChanges, names);
  }

  add(row: number, change: number): void {
    const { clickTimestampMs, adKey } = this.clicks[row]!;
    const minute = minuteOf(clickTimestampMs);
    const mask = this.masks && maskOf(this.masks, minute);
    this.effects.minutes.add(minute, adKey, this.columns, row, 1, mask, change);
    this.buckets.restate(minute, adKey, change);
  }
}
