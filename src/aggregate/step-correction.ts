/**
 * Corrections: clicks that were recorded before are taken out of the counts (void), put back (void undone), or let in
 * (release). A click keeps its row in raw and its place in the ledger; what changes is its outcome, and with it
 * the minute's count: openly, with a revision, where the bucket is final.
 */

import { adDictionary } from "../model/commit.ts";
import type { OperationType, RestatementReason } from "../model/commit.ts";
import type { CorrectionControl, VoidControl } from "../model/log-record.ts";
import type { OutcomeName } from "../model/outcome.ts";
import type { RecordedClick } from "../model/recorded-click.ts";
import { eventIdOf } from "../model/recorded-click.ts";
import { minuteOf } from "../model/time.ts";
import { changeOutcome, countChange, keyColumnsOf } from "./change-outcome.ts";
import type { Effects } from "./effects.ts";
import { identityWords } from "./identity.ts";
import { layoutMasks, maskOf } from "./layout-mask.ts";
import type { RecordBuckets } from "./restate.ts";
import type { PartitionState } from "./state.ts";

/** A control record that corrects, with where it stands. */
export interface Correction {
  readonly offset: number;
  readonly receivedAtMs: number;
  readonly control: CorrectionControl;
}

/** The store's answers, as of the commit right before the record. */
export interface CorrectionAnswers {
  /** Of this partition, see `outcomesConcerned`; in the order of their times, then of the log. */
  readonly clicks: readonly RecordedClick[];
  /** Of each expired click, 1 where another one with the same identity and event minute counts for dedup. */
  readonly recorded: Uint8Array;
  /** The final buckets of these clicks. */
  readonly buckets: RecordBuckets;
}

/** Clicks with these outcomes must be passed in. */
export function outcomesConcerned({ type }: CorrectionControl): readonly OutcomeName[] {
  if (type === "release") return ["quarantined", "expired"];
  return ["counted", "restated", "quarantined", "expired", "voided"];
}

export function stepCorrection(
  state: PartitionState,
  { offset, receivedAtMs, control }: Correction,
  { clicks, recorded, buckets }: CorrectionAnswers,
  effects: Effects,
): void {
  const { partition, shared, watermark } = state;
  const { names, columns } = effects.minutes.align(keyColumnsOf(shared, clicks), clicks.length);
  const masks = layoutMasks(shared.configs, state.layoutChanges, names);
  const ruling =
    control.type === "void" ? new VoidRuling(state, control) : new ReleaseRuling(state);
  for (const [row, click] of clicks.entries()) {
    const minute = minuteOf(click.clickTimestampMs);
    const isFinal = minute < watermark.finalBeforeMinute;
    const after = ruling.decide(click, isFinal, recorded[row] === 1);
    if (after === click.outcome) continue;
    // What had expired was of no minute that is kept until now.
    state.recorded.add(minute);
    const change = countChange(click.outcome, after);
    if (change !== 0) {
      const mask = masks && maskOf(masks, minute);
      effects.minutes.add(minute, click.adKey, columns, row, Number(isFinal), mask, change);
      if (isFinal) buckets.restate(minute, click.adKey, change);
    }
    changeOutcome(click, after, effects);
  }
  const { id, reason } = control;
  const { type, result } = ruling;
  effects.restate(buckets.restatements({ reason: type, partition, offset, receivedAtMs }));
  effects.operations.push({ id, type, reason, partition, offset, receivedAtMs, result: result() });
}

/** What is to become of each click; the same where nothing is. */
interface Ruling {
  readonly type: OperationType & RestatementReason;
  decide(click: RecordedClick, isFinal: boolean, isRecorded: boolean): OutcomeName;
  readonly result: () => Readonly<Record<string, number>>;
}

class VoidRuling implements Ruling {
  readonly type: "void" | "unvoid";
  private readonly state: PartitionState;
  private readonly late: LateAdmission;
  private readonly unseen: Set<string>;
  private changed = 0;
  private unchanged = 0;

  constructor(state: PartitionState, { undo, identities }: VoidControl) {
    this.state = state;
    this.late = new LateAdmission(state);
    this.type = undo ? "unvoid" : "void";
    this.unseen = new Set(identities.map(({ ad_id, event_id }) => keyOf(ad_id, event_id)));
  }

  decide(click: RecordedClick, _isFinal: boolean, isRecorded: boolean): OutcomeName {
    this.unseen.delete(keyOf(adOf(this.state, click), eventIdOf(click)));
    const after = this.type === "void" ? this.voided(click, isRecorded) : unvoided(click);
    if (after === click.outcome) this.unchanged++;
    else this.changed++;
    return after;
  }

  private voided(click: RecordedClick, isRecorded: boolean): OutcomeName {
    if (click.outcome !== "expired") return "voided";
    return !isRecorded && this.late.admit(click) ? "voided" : "duplicate";
  }

  readonly result = (): Record<string, number> => ({
    changed: this.changed,
    unchanged: this.unchanged,
    not_found: this.unseen.size,
  });
}

/** Dedup knows what was voided when it had expired, so that it does not go back to that. */
function unvoided({ outcome, outcomeBefore }: RecordedClick): OutcomeName {
  if (outcome !== "voided" || outcomeBefore === null) return outcome;
  return outcomeBefore === "expired" ? "quarantined" : outcomeBefore;
}

class ReleaseRuling implements Ruling {
  readonly type = "release";
  private readonly late: LateAdmission;
  private duplicates = 0;
  private released = 0;

  constructor(state: PartitionState) {
    this.late = new LateAdmission(state);
  }

  decide(click: RecordedClick, isFinal: boolean, isRecorded: boolean): OutcomeName {
    if (click.outcome === "expired" && (isRecorded || !this.late.admit(click))) {
      this.duplicates++;
      return "duplicate";
    }
    this.released++;
    return isFinal ? "restated" : "counted";
  }

  readonly result = (): Record<string, number> => ({
    released: this.released,
    duplicates: this.duplicates,
  });
}

/** Dedup for clicks that had expired: unlike those in quarantine, they never met it when they came. */
class LateAdmission {
  private readonly state: PartitionState;
  /** Identities with their minutes that this record has admitted: no store has them yet. */
  private readonly admitted = new Set<string>();
  private readonly hash = new Uint32Array(identityWords);

  constructor(state: PartitionState) {
    this.state = state;
  }

  /** False where the record in hand has admitted the same one; from here on a click with this identity is a duplicate. */
  admit(click: RecordedClick): boolean {
    const { state, hash } = this;
    const minute = minuteOf(click.clickTimestampMs);
    const { adKey, eventIdKind: kind, eventIdWords, eventIdText } = click;
    const words = Uint32Array.from(eventIdWords);
    state.shared.hasher.hashRecorded(adKey, kind, words, 0, eventIdText, hash);
    const key = `${minute} ${hash.join(" ")}`;
    if (this.admitted.has(key)) return false;
    this.admitted.add(key);
    state.dedup.restore(hash, 0, minute);
    return true;
  }
}

function adOf({ shared }: PartitionState, { adKey }: RecordedClick): string {
  return shared.view.text(adDictionary, adKey) ?? "";
}

function keyOf(adId: string, eventId: string): string {
  return `${adId}\0${eventId}`;
}
