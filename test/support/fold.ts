import { adDictionary } from "../../src/model/commit.ts";
import { Effects } from "../../src/aggregate/effects.ts";
import { mapClicks } from "../../src/aggregate/map.ts";
import { RecordBuckets } from "../../src/aggregate/restate.ts";
import { identityWords } from "../../src/aggregate/identity.ts";
import { minuteDimensionNames, PartitionState, SharedState } from "../../src/aggregate/state.ts";
import { step } from "../../src/aggregate/step.ts";
import type { StoreAnswers } from "../../src/aggregate/step-clicks.ts";
import type { Needs } from "../../src/aggregate/survey.ts";
import { surveyClicks } from "../../src/aggregate/survey.ts";
import type { MappedClicks } from "../../src/aggregate/map.ts";
import type { Commit, LedgerDelta } from "../../src/model/commit.ts";
import type { LogRecord } from "../../src/model/log-record.ts";
import { isCounted, Outcome } from "../../src/model/outcome.ts";
import type { SemanticConfig } from "../../src/model/semantic-config.ts";
import { minuteOf } from "../../src/model/time.ts";

/** So few ids that records come while a sweep of the dedup index is under way. */
const sweptAtOnce = 3;

/** A store of plain maps that answers what the fold asks, so that the core can be run without I/O. */
export class FoldedLog {
  readonly state: PartitionState;
  readonly commits: Commit[] = [];
  /** Outcome by `offset:row`. */
  readonly outcomes = new Map<string, number>();
  /** Counts and revisions by `adKey|minute`. */
  private readonly buckets = new Map<string, { count: number; revision: number }>();
  /** Identity hash and event minute of all recorded clicks. */
  private readonly recorded = new Set<string>();
  private nextOffset = 0;

  constructor(config: SemanticConfig, watermarkMs = -Infinity) {
    this.state = new PartitionState(
      0,
      new SharedState(new Uint8Array(32).fill(7), [config], new Map()),
      watermarkMs,
    );
  }

  /** Folds a run of records as one micro-batch; like the pipeline, commits first what a record must see. */
  fold(records: readonly LogRecord[]): void {
    let effects = this.newEffects();
    for (const record of records) {
      const offset = this.nextOffset++;
      if (record.kind !== "clicks") {
        step(this.state, { kind: "other", offset, record }, effects);
        continue;
      }
      const { shared } = this.state;
      const newest = Math.max(...record.batch.clickTimestamps);
      this.state.tidyDedup(record.receivedAtMs, minuteOf(newest), sweptAtOnce);
      const clicks = mapClicks(shared, offset, record);
      const needs = surveyClicks(this.state, clicks);
      if (!needs) {
        step(this.state, { kind: "clicks", clicks, answers: undefined }, effects);
        continue;
      }
      this.commit(effects, offset);
      effects = this.newEffects();
      step(this.state, { kind: "clicks", clicks, answers: this.answer(clicks, needs) }, effects);
      this.commit(effects, offset + 1);
      effects = this.newEffects();
    }
    this.commit(effects, this.nextOffset);
  }

  ledger(): Map<string, Record<string, number>> {
    const ledger = new Map<string, Record<string, number>>();
    for (const delta of this.commits.flatMap((commit): readonly LedgerDelta[] => commit.ledger)) {
      const key = `${delta.source}|${delta.receivedMinute}`;
      const row = ledger.get(key) ?? { received: 0 };
      for (const [name, count] of Object.entries(delta.outcomes)) {
        row[name] = (row[name] ?? 0) + count;
      }
      row["received"]! += delta.received;
      ledger.set(key, row);
    }
    return ledger;
  }

  /** Counts by `minute|ad|dimension values`. */
  minuteCounts(): Map<string, number> {
    const { shared } = this.state;
    const counts = new Map<string, number>();
    for (const { minutes } of this.commits) {
      for (let row = 0; row < minutes.rowCount; row++) {
        const ad = shared.dictionary(adDictionary).textOf(minutes.adKeys[row]!);
        const values = [...minutes.dimensionKeys].map(([name, keys]) =>
          shared.dictionary(name).textOf(keys[row]!),
        );
        const key = JSON.stringify([
          minutes.minutes[row],
          ad,
          ...values.map((value) => value ?? null),
        ]);
        counts.set(key, (counts.get(key) ?? 0) + minutes.counts[row]!);
      }
    }
    return counts;
  }

  private answer(clicks: MappedClicks, needs: Needs): StoreAnswers {
    const recorded = new Uint8Array(clicks.record.batch.rowCount);
    for (const row of needs.probeRows)
      recorded[row] = this.recorded.has(recordedKey(clicks, row)) ? 1 : 0;
    const states = needs.buckets.map(
      ({ minute, adKey }) => this.buckets.get(`${adKey}|${minute}`) ?? { count: 0, revision: 0 },
    );
    return { recorded, buckets: new RecordBuckets(needs.buckets, states) };
  }

  private newEffects(): Effects {
    return new Effects(minuteDimensionNames(this.state.shared.configs));
  }

  private commit(effects: Effects, nextOffset: number): void {
    const { partition, watermark, shared } = this.state;
    const progress = { partition, nextOffset, watermarkMs: watermark.ms };
    const commit = effects.toCommit(
      this.commits.length + 1,
      0,
      shared.takeGrowth(),
      shared.takeConfigs(),
      progress,
    );
    this.commits.push(commit);
    for (const { offset, batch, outcomes, adKeys } of commit.clicks) {
      const clicks = { adKeys, identities: this.identitiesOf(batch, adKeys), record: { batch } };
      for (let row = 0; row < batch.rowCount; row++) {
        const outcome = outcomes[row]!;
        this.outcomes.set(`${offset}:${row}`, outcome);
        if (isCounted(outcome) || outcome === Outcome.quarantined)
          this.recorded.add(recordedKey(clicks, row));
        if (!isCounted(outcome)) continue;
        const bucket = this.bucket(adKeys[row]!, minuteOf(batch.clickTimestamps[row]!));
        bucket.count++;
      }
    }
    for (const { minute, adKey, revision } of commit.restatements)
      this.bucket(adKey, minute).revision = revision;
  }

  private bucket(adKey: number, minute: number): { count: number; revision: number } {
    const key = `${adKey}|${minute}`;
    const bucket = this.buckets.get(key) ?? { count: 0, revision: 0 };
    this.buckets.set(key, bucket);
    return bucket;
  }

  private identitiesOf(batch: MappedClicks["record"]["batch"], adKeys: Int32Array): Uint32Array {
    const identities = new Uint32Array(batch.rowCount * identityWords);
    const { hasher } = this.state.shared;
    const { kinds, words, textOffsets, textBytes } = batch.eventIds;
    for (let row = 0; row < batch.rowCount; row++) {
      const at = row * identityWords;
      const entry = words[row * 4]!;
      if (kinds[row] === 2) {
        hasher.hashText(
          adKeys[row]!,
          textBytes,
          textOffsets[entry]!,
          textOffsets[entry + 1]!,
          identities,
          at,
        );
      } else hasher.hashWords(adKeys[row]!, kinds[row]!, words, row * 4, identities, at);
    }
    return identities;
  }
}

function recordedKey(
  clicks: { identities: Uint32Array; record: { batch: { clickTimestamps: Float64Array } } },
  row: number,
): string {
  const words = clicks.identities.subarray(row * identityWords, (row + 1) * identityWords);
  return `${minuteOf(clicks.record.batch.clickTimestamps[row]!)}:${words.join(":")}`;
}
