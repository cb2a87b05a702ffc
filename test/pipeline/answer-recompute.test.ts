import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PartitionState, SharedState } from "../../src/aggregate/state.ts";
import { partitionOf } from "../../src/model/partition.ts";
import { minuteMs } from "../../src/model/time.ts";
import { answerRecompute } from "../../src/pipeline/answer-recompute.ts";
import type { ClickStore } from "../../src/store/click-store.ts";
import type { RecomputationQuery } from "../../src/store/recomputation.ts";
import { testConfig } from "../support/random-clicks.ts";

const partitionCount = 3;
const nowMs = Date.UTC(2026, 0, 15, 12);
const toMinute = nowMs / minuteMs - 60;

/** What a partition asks to recompute. */
async function askedOf(
  partition: number,
  known: readonly string[],
  spread = 1,
): Promise<Pick<RecomputationQuery, "ads" | "partition">> {
  const config = { ...testConfig, fromMinute: 0 };
  const shared = new SharedState(new Uint8Array(32), [config], new Map([["ad_id", known]]));
  let asked: RecomputationQuery | undefined;
  const store: Partial<ClickStore> = {
    async recomputation(query) {
      asked = query;
      return undefined;
    },
  };
  const control = {
    type: "recompute",
    id: "operation-1",
    reason: "asked for",
    from_minute: toMinute - 10,
    to_minute: toMinute,
    late: null,
  } as const;
  const state = new PartitionState(partition, shared, nowMs);
  const recompute = { offset: 0, receivedAtMs: nowMs, control };
  const answers = await answerRecompute(
    store as ClickStore,
    state,
    { partitionCount, spread },
    recompute,
  );
  assert.deepEqual(answers, { refusal: "too_large" });
  return asked!;
}

describe("what a partition asks to recompute", () => {
  it("is its own ads, also those that this process has not heard of", async () => {
    const ads = Array.from({ length: 30 }, (_, i) => `ad-${i}`);
    const known = ads.slice(0, 10);
    for (let partition = 0; partition < partitionCount; partition++) {
      const { ads: isAsked, partition: own } = await askedOf(partition, known);
      assert.equal(own, undefined);
      for (const [i, ad] of ads.entries()) {
        const isOwn = partitionOf(Buffer.from(ad), partitionCount) === partition;
        // A store that keeps texts gives those no key.
        assert.equal(isAsked(i < known.length ? i + 1 : 0, ad), isOwn, `${ad} of ${partition}`);
      }
    }
  });

  it("is its own rows of all ads, where the clicks of an ad lie in several partitions", async () => {
    for (let partition = 0; partition < partitionCount; partition++) {
      const { ads: isAsked, partition: own } = await askedOf(partition, ["ad-1"], 2);
      assert.equal(own, partition);
      assert.deepEqual([isAsked(0), isAsked(1), isAsked(0, "ad-2")], [true, true, true]);
    }
  });

  it("is of the first partition what is no ad at all", async () => {
    for (let partition = 0; partition < partitionCount; partition++) {
      const { ads: isAsked } = await askedOf(partition, ["ad-1"]);
      assert.deepEqual([isAsked(0), isAsked(7), isAsked(0, "")], Array(3).fill(partition === 0));
    }
  });
});
