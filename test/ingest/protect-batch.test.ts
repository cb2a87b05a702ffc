import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ClickBatchBuilder } from "../../src/model/click-batch-builder.ts";
import { encodeClickBatch } from "../../src/model/click-batch-codec.ts";
import type { ClickBatch } from "../../src/model/click-batch.ts";
import { eventIdAt, textAt } from "../../src/model/click-batch.ts";
import type { DimensionLayout } from "../../src/model/dimensions.ts";
import { ValueProtector } from "../../src/model/protected-value.ts";
import { minuteOf } from "../../src/model/time.ts";
import { receivedAtMs } from "./decoding.ts";
import { clicksRecord, ndjsonBody, startIngest } from "./ingest-harness.ts";

const layout: DimensionLayout = [
  { name: "country", in: "minute", type: "country", store: "hashed" },
  { name: "device", in: "minute", type: "string" },
  { name: "user_id", in: "raw", type: "string", store: "hashed" },
  { name: "ip", in: "raw", type: "ip", store: "truncated" },
  { name: "proxy", in: "minute", type: "ip", store: "hashed" },
];
const secret = new Uint8Array(32).fill(9);
const protector = new ValueProtector(secret);
const protection = { secret, keyedIdsFromMinute: 0 };
const settings = { layout };
const at = { ad_id: "a", click_timestamp: receivedAtMs };

function texts(batch: ClickBatch, row: number): (string | undefined)[] {
  return batch.dimensions.map(({ column }) => {
    assert.equal(column.type, "string");
    return column.type === "string" ? textAt(column, row) : undefined;
  });
}

const sent = {
  ...at,
  event_id: "e1",
  country: "us",
  device: "phone",
  user_id: "a-user-with-a-name",
  ip: "2001:DB8:7:1::99",
  proxy: "::ffff:198.51.100.7",
};
const kept = [
  protector.protect("country", "US", "hashed"),
  "phone",
  protector.protect("user_id", "a-user-with-a-name", "hashed"),
  "2001:db8:7::/48",
  protector.protect("proxy", "198.51.100.7", "hashed"),
];

describe("what is protected", () => {
  it("is appended hashed and truncated, with nothing plain beside it, also of items that were refused", async () => {
    await using harness = await startIngest({ settings });
    harness.ingest.protect(protection);
    const refused = { ...sent, user_id: "a-user-with-a-name-too", ip: "no address" };
    const answer = await harness.ingest.accept(
      ndjsonBody([refused, sent, { ...at, event_id: "e2" }, { ...sent, event_id: "e3" }]),
    );
    assert.deepEqual([answer.accepted, answer.rejected], [3, 1]);
    const { batch } = clicksRecord((await harness.log())[0]);
    assert.deepEqual(texts(batch, 0), kept);
    assert.deepEqual(texts(batch, 1), Array.from({ length: 5 }));
    assert.deepEqual(texts(batch, 2), kept);
    for (const { bytes } of harness.appends.flat())
      assert.ok(!Buffer.from(bytes).includes("a-user-with"));
  });

  it("is so too where it came as a batch, over several partitions", async () => {
    const builder = new ClickBatchBuilder(layout);
    for (let i = 0; i < 20; i++) {
      const dimensions = { user_id: "a-user-with-a-name", ip: `203.0.113.${i}` };
      builder.add({ ad_id: `ad-${i}`, click_timestamp: 0, event_id: `e${i}`, dimensions });
    }
    await using harness = await startIngest({ settings, partitionCount: 3 });
    harness.ingest.protect(protection);
    await harness.ingest.appendBatch(encodeClickBatch(builder.build()), "import:a.csv");
    const logs = await Promise.all([0, 1, 2].map((partition) => harness.log(partition)));
    const batches = logs.flat().map((record) => clicksRecord(record).batch);
    assert.equal(batches.length, 3);
    for (const batch of batches)
      for (let row = 0; row < batch.rowCount; row++) {
        const [, , userId, ip] = texts(batch, row);
        assert.deepEqual([userId, ip], [kept[2], "203.0.113.0/24"]);
      }
    for (const { bytes } of harness.appends.flat())
      assert.ok(!Buffer.from(bytes).includes("a-user-with"));
  });

  it("is not taken in before the secret is known", async () => {
    await using harness = await startIngest({ settings });
    await assert.rejects(harness.ingest.accept(ndjsonBody([sent])), { code: "not_ready" });
    const bytes = encodeClickBatch(new ClickBatchBuilder(layout).build());
    await assert.rejects(harness.ingest.appendBatch(bytes, "import:a"), { code: "not_ready" });
    assert.equal(harness.appends.length, 0);
  });

  it("is not told by derived ids either, which are keyed from the minute on that the settings tell", async () => {
    const earlier = { ...at, click_timestamp: receivedAtMs - 60_000, user_id: "u" };
    const body = ndjsonBody([{ ...at, user_id: "u" }, earlier]);
    const idsWith = async (keyedIdsFromMinute: number | undefined): Promise<string[]> => {
      const plain = layout.map(({ name, in: place, type }) => ({ name, in: place, type }));
      const own = keyedIdsFromMinute === undefined ? plain : layout;
      await using harness = await startIngest({ settings: { layout: own } });
      if (keyedIdsFromMinute !== undefined) harness.ingest.protect({ secret, keyedIdsFromMinute });
      for (let sending = 0; sending < 2; sending++) await harness.ingest.accept(body);
      const records = (await harness.log()).map((record) => clicksRecord(record).batch);
      const ids = records.flatMap((batch) => [eventIdAt(batch, 0), eventIdAt(batch, 1)]);
      assert.deepEqual(ids.slice(0, 2), ids.slice(2), "the same click has the same id");
      return ids.slice(0, 2);
    };
    const unkeyed = await idsWith(undefined);
    const changed = await idsWith(minuteOf(receivedAtMs));
    const keyed = await idsWith(0);
    assert.equal(new Set([...unkeyed, ...keyed]).size, 4);
    for (const id of keyed) assert.match(id, /^derived:[\da-f]{32}$/);
    assert.deepEqual(changed, [keyed[0], unkeyed[1]]);
  });
});
