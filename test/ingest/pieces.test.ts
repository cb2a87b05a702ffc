import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { eventIdAt, textAt } from "../../src/model/click-batch.ts";
import { ClickBatchBuilder } from "../../src/model/click-batch-builder.ts";
import { encodeClickBatch } from "../../src/model/click-batch-codec.ts";
import { defaultDimensions } from "../../src/model/dimensions.ts";
import { partitionOf, partitionsOf } from "../../src/model/partition.ts";
import { Random } from "../../src/traffic/random.ts";
import { receivedAtMs } from "./decoding.ts";
import type { IngestHarness } from "./ingest-harness.ts";
import { ndjsonBody, startIngest } from "./ingest-harness.ts";

const partitioning = { partitionCount: 7, spread: 4 };
const ads = ["ad-1", "ad-2", "größe"];

/** By ad and event id as the API shows it, the partitions of its clicks. */
async function placesOf(harness: IngestHarness): Promise<Map<string, Set<number>>> {
  const places = new Map<string, Set<number>>();
  for (let partition = 0; partition < partitioning.partitionCount; partition++) {
    for (const record of await harness.log(partition)) {
      if (record.kind !== "clicks") continue;
      for (let row = 0; row < record.batch.rowCount; row++) {
        const key = `${textAt(record.batch.ad, row)} ${eventIdAt(record.batch, row)}`;
        places.set(key, (places.get(key) ?? new Set()).add(partition));
      }
    }
  }
  return places;
}

const ids = Array.from({ length: 60 }, (_, i) => {
  const hex = (i * 2_654_435_761).toString(16).padStart(12, "0").slice(-12);
  return [
    `click-${i}`,
    `00000000-0000-4000-8000-${hex}`,
    `derived:00112233445566778899${hex}`,
    null,
  ][i % 4]!;
});

describe("the clicks of an ad that several partitions share", () => {
  it("lie where their repetitions lie, whichever way they come", async () => {
    await using harness = await startIngest(partitioning);
    const items = ads.flatMap((ad_id) =>
      ids.map((event_id, i) => ({
        ad_id,
        click_timestamp: receivedAtMs - i,
        ...(event_id !== null && { event_id }),
      })),
    );
    await harness.ingest.accept(ndjsonBody(items));
    // What the scanner does not take, the parser does.
    await harness.ingest.accept(
      ndjsonBody(items.map((item) => Object.assign({ extra: { a: [1] } }, item))),
    );
    const sent = await placesOf(harness);
    // Undeclared fields are part of what an id is derived of.
    assert.equal(sent.size, ads.length * (45 + 2 * 15));
    for (const ad of ads) {
      const own = [...sent].filter(([key]) => key.startsWith(`${ad} `));
      assert.ok(own.every(([, partitions]) => partitions.size === 1));
      const used = new Set(own.map(([, [partition]]) => partition));
      assert.deepEqual(used, new Set(partitionsOf(Buffer.from(ad), partitioning)));
    }

    // The same again in a batch, as an import appends it.
    const builder = new ClickBatchBuilder(defaultDimensions);
    for (const key of sent.keys()) {
      const [ad, id] = key.split(" ") as [string, string];
      const row = builder.rowCount;
      builder.ad.setText(row, ad);
      const derived = /^derived:([0-9a-f]{32})$/.exec(id)?.[1];
      // Those of the ids above were sent as texts.
      if (derived !== undefined && !ids.includes(id)) {
        const word = (i: number): number => Number.parseInt(derived.slice(i * 8, i * 8 + 8), 16);
        builder.eventIds.setDerived(row, word(0), word(1), word(2), word(3));
      } else builder.eventIds.setText(row, id);
      builder.endRow(receivedAtMs);
    }
    await harness.ingest.appendBatch(encodeClickBatch(builder.view()), "import:x");
    for (const [key, partitions] of await placesOf(harness))
      assert.deepEqual(partitions, sent.get(key), key);

    // Who voids a click names it as it is shown.
    const random = new Random(3);
    const named = [...sent].filter(() => random.chance(0.5));
    const identities = named.map(([key]) => {
      const [ad_id, event_id] = key.split(" ") as [string, string];
      return { ad_id, event_id };
    });
    await harness.ingest.appendControl({
      type: "void",
      id: "v",
      reason: "fraud",
      undo: false,
      identities,
    });
    let found = 0;
    for (let partition = 0; partition < partitioning.partitionCount; partition++) {
      const last = (await harness.log(partition)).at(-1);
      if (last?.kind !== "control" || last.control.type !== "void") continue;
      for (const { ad_id, event_id } of last.control.identities) {
        assert.deepEqual([...sent.get(`${ad_id} ${event_id}`)!], [partition]);
        found++;
      }
    }
    assert.equal(found, named.length);
  });

  it("are released wherever they lie, and what is about the ad goes to its home", async () => {
    await using harness = await startIngest(partitioning);
    const release = { type: "release", id: "r", reason: "", ad_id: "ad-1", clicks_max: 9 } as const;
    const range = { from_minute: 0, to_minute: 9 };
    const released = await harness.ingest.appendControl({ ...release, ...range });
    const own = partitionsOf(Buffer.from("ad-1"), partitioning);
    assert.deepEqual(new Set(released.map(({ partition }) => partition)), new Set(own));
    const change = { ad_id: "ad-1", attributes: { campaign_id: "c" }, valid_from_minute: 0 };
    const changed = await harness.ingest.appendControl({
      type: "ad_attributes",
      changes: [change],
    });
    assert.deepEqual(
      changed.map(({ partition }) => partition),
      [partitionOf(Buffer.from("ad-1"), partitioning.partitionCount)],
    );
  });
});
