import { Outcome, outcomeCount } from "../model/outcome.ts";
import { configAt } from "../model/semantic-config.ts";
import { minuteMs, minuteOf } from "../model/time.ts";
import { recentMinuteOf } from "./deduplicate.ts";
import type { Effects } from "./effects.ts";
import { identityWords } from "./identity.ts";
import { Known } from "./recent-ids.ts";
import { decideAccepted } from "./lateness.ts";
import { layoutMasks, maskOf } from "./layout-mask.ts";
import type { MappedClicks } from "./map.ts";
import type { RecordBuckets } from "./restate.ts";
import type { PartitionState } from "./state.ts";

/** The store's answers to a record's Needs, as of the commit right before it. */
export interface StoreAnswers {
  /** 1 where the identity of the row is recorded; by row. */
  readonly recorded: Uint8Array;
  readonly buckets: RecordBuckets;
}

/**
 * Decides every row of a clicks record: watermark, expiry (by the horizon or by retention), duplicate, late, count, in
 * this order.
 */
export function stepClicks(
  state: PartitionState,
  clicks: MappedClicks,
  answers: StoreAnswers | undefined,
  effects: Effects,
): void {
  const { record, offset, adKeys, identities } = clicks;
  const { history, receivedAtMs } = record;
  const { clickTimestamps, rowCount } = record.batch;
  const { watermark, dedup, dropped } = state;
  const { configs } = state.shared;
  const config = state.shared.configAtReceipt(receivedAtMs);
  const outcomes = new Uint8Array(rowCount);
  const tally = new Float64Array(outcomeCount);
  const { names, columns } = effects.minutes.align(clicks.dimensionKeys, rowCount);
  const masks = layoutMasks(configs, state.layoutChanges, names);

  let watermarkMs = watermark.ms;
  let finalBefore = watermark.finalBeforeMinute;
  let expiredBeforeMs = watermarkMs - config.dedupHorizonMs;
  let recentMinute = recentMinuteOf(configs, watermarkMs);
  dedup.beginRecord();

  for (let row = 0; row < rowCount; row++) {
    const time = clickTimestamps[row]!;
    if (!history) {
      const reachedMs = (time < receivedAtMs ? time : receivedAtMs) - config.outOfOrdernessMs;
      if (reachedMs > watermarkMs) {
        watermark.advanceTo(reachedMs);
        watermarkMs = reachedMs;
        finalBefore = watermark.finalBeforeMinute;
        expiredBeforeMs = watermarkMs - config.dedupHorizonMs;
        recentMinute = recentMinuteOf(configs, watermarkMs);
      }
    }

    let outcome: number;
    const minute = Math.floor(time / minuteMs);
    const isExpired = (!history && time < expiredBeforeMs) || dropped.hasTime(time);
    const isInStore = answers?.recorded[row] === 1;
    const at = row * identityWords;
    const known = isExpired
      ? Known.not
      : dedup.admit(identities, at, minute, recentMinute, isInStore);
    if (isExpired) {
      outcome = Outcome.expired;
    } else if (known !== Known.not) {
      outcome = Outcome.duplicate;
      if (known === Known.otherMinute) effects.duplicateConflicts++;
    } else if (minute >= finalBefore || (history && state.isFresh(minute))) {
      outcome = Outcome.counted;
      answers?.buckets.count(minute, adKeys[row]!);
    } else {
      outcome = decideAccepted(
        history,
        minute < state.closedThroughMinute,
        configAt(configs, minute).late,
        answers!.buckets,
        minute,
        adKeys[row]!,
      );
    }
    outcomes[row] = outcome;
    tally[outcome]!++;

    if (outcome === Outcome.counted || outcome === Outcome.restated) {
      const restated = outcome === Outcome.restated ? 1 : 0;
      effects.minutes.add(
        minute,
        adKeys[row]!,
        columns,
        row,
        restated,
        masks && maskOf(masks, minute),
      );
    }
  }

  // Until here its minutes are as fresh as the survey found them.
  state.recorded.note(record);
  effects.clicks.push({
    partition: state.partition,
    offset,
    receivedAtMs,
    source: record.source,
    batch: record.batch,
    adKeys,
    dimensionKeys: clicks.dimensionKeys,
    outcomes,
  });
  effects.clickCount += rowCount;
  effects.addToLedger(record.source, minuteOf(receivedAtMs), rowCount, tally);
  if (answers) {
    const reason = history ? "import" : "late";
    const { partition } = state;
    effects.restate(answers.buckets.restatements({ reason, partition, offset, receivedAtMs }));
  }
}
