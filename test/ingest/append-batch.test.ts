import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { eventIdAt, textAt } from "../../src/model/click-batch.ts";
import { ClickBatchBuilder } from "../../src/model/click-batch-builder.ts";
import { encodeClickBatch } from "../../src/model/click-batch-codec.ts";
import { defaultDimensions } from "../../src/model/dimensions.ts";
import type { ClicksRecord } from "../../src/model/log-record.ts";
import { partitionOf } from "../../src/model/partition.ts";
import { receivedAtMs } from "./decoding.ts";
import { clicksRecord, startIngest } from "./ingest-harness.ts";

describe("appendControl", () => {
  it("sends a configuration to every partition and ads to theirs", async () => {
    const partitionCount = 3;
    await using harness = await startIngest({ partitionCount });
    const config = {
      generation: 1,
      fromMinute: 0,
      dimensions: defaultDimensions,
      adAttributes: ["campaign_id"],
      outOfOrdernessMs: 1,
      allowedLatenessMs: 1,
      idleLagMs: 1,
      dedupHorizonMs: 1,
      dedupRecentMs: 1,
      late: "restate",
    } as const;
    const positions = await harness.ingest.appendControl({ type: "config", config });
    assert.deepEqual(
      positions.map(({ partition, offset }) => [partition, offset]),
      [
        [0, 0],
        [1, 0],
        [2, 0],
      ],
    );
    const changes = Array.from({ length: 20 }, (_, i) => ({
      ad_id: `ad-${i}`,
      attributes: { campaign_id: `c${i}` },
      valid_from_minute: i,
    }));
    await harness.ingest.appendControl({ type: "ad_attributes", changes });
    const found: unknown[] = [];
    for (let partition = 0; partition < partitionCount; partition++) {
      const [first, second, ...rest] = await harness.log(partition);
      assert.deepEqual(first, {
        kind: "control",
        receivedAtMs,
        control: { type: "config", config },
      });
      assert.ok(second?.kind === "control" && second.control.type === "ad_attributes");
      assert.deepEqual(rest, []);
      for (const change of second.control.changes) {
        assert.equal(partitionOf(Buffer.from(change.ad_id), partitionCount), partition);
        found.push(change);
      }
    }
    assert.deepEqual(
      new Set(found.map((change) => JSON.stringify(change))),
      new Set(changes.map((change) => JSON.stringify(change))),
    );
  });
});

describe("appendBatch", () => {
  const builder = new ClickBatchBuilder(defaultDimensions);
  for (let i = 0; i < 40; i++) {
    builder.add({
      ad_id: `ad-${i % 7}`,
      click_timestamp: receivedAtMs - i,
      event_id: i % 2 === 0 ? `text ${i}` : `7d444840-9dc0-11d1-b245-5ffdce74fa${10 + i}`,
      dimensions: {
        ...(i % 3 === 0 ? { country: "DE", ip: `2001:db8::${i}` } : { device: "tv" }),
        user_id: `u${i}`,
      },
    });
  }
  const batch = builder.build();

  for (const partitionCount of [1, 4]) {
    it(`appends history to ${partitionCount} partition(s), row by row what it was given`, async () => {
      await using harness = await startIngest({ partitionCount });
      const positions = await harness.ingest.appendBatch(encodeClickBatch(batch), "import:a.csv");
      assert.ok(
        positions.length === Math.min(partitionCount, positions.length) && positions.length > 0,
      );
      const rowsByAd = (found: ClicksRecord["batch"]): [string, string][] =>
        Array.from({ length: found.rowCount }, (_, row) => [
          textAt(found.ad, row)!,
          JSON.stringify([
            eventIdAt(found, row),
            found.clickTimestamps[row],
            found.dimensions.map(({ column }) =>
              column.type === "ip"
                ? [...column.words.subarray(row * 4, row * 4 + 4), column.present[row]]
                : textAt(column, row),
            ),
          ]),
        ]);
      const found: [string, string][] = [];
      for (const { partition, offset } of positions) {
        const record = clicksRecord((await harness.log(partition))[offset]);
        assert.deepEqual([record.source, record.history], ["import:a.csv", true]);
        found.push(...rowsByAd(record.batch));
      }
      const byAd = (rows: [string, string][]) =>
        new Map([...Map.groupBy(rows, ([ad]) => ad)].toSorted());
      assert.deepEqual(byAd(found), byAd(rowsByAd(batch)));
    });
  }

  it("refuses what ingest would have refused", async () => {
    await using harness = await startIngest();
    const refused = async (
      code: string,
      change: (rows: ClickBatchBuilder) => void,
      layout = defaultDimensions,
    ) => {
      const rows = new ClickBatchBuilder(layout);
      change(rows);
      await assert.rejects(harness.ingest.appendBatch(encodeClickBatch(rows.build()), "import:x"), {
        code,
      });
    };
    const click = { ad_id: "a", click_timestamp: 1000, event_id: "e", dimensions: {} };
    const bytes = encodeClickBatch(batch);
    await assert.rejects(harness.ingest.appendBatch(bytes.subarray(0, 200), "import:x"), {
      code: "malformed_encoding",
    });
    await assert.rejects(harness.ingest.appendBatch(bytes, ""), { code: "invalid_parameter" });
    await refused("invalid_parameter", (rows) => rows.add({ ...click, ad_id: "x".repeat(257) }));
    await refused("invalid_parameter", (rows) => rows.add({ ...click, ad_id: "" }));
    await refused("invalid_parameter", (rows) => rows.add({ ...click, event_id: "x".repeat(129) }));
    await refused("invalid_parameter", (rows) => rows.add({ ...click, click_timestamp: -1 }));
    await refused("malformed_encoding", (rows) => rows.add({ ...click, click_timestamp: 0.5 }));
    await refused("invalid_parameter", (rows) =>
      rows.add({ ...click, click_timestamp: receivedAtMs + 60_001 }),
    );
    await refused("invalid_parameter", (rows) =>
      rows.add({ ...click, dimensions: { device: "x".repeat(257) } }),
    );
    await refused("invalid_parameter", (rows) =>
      rows.add({ ...click, dimensions: { country: "de" } }),
    );
    await refused("invalid_parameter", (rows) => {
      rows.ad.set(0, Uint8Array.of(0xc3), 0, 1);
      rows.eventIds.setText(0, "e");
      rows.endRow(1000);
    });
    await refused("invalid_parameter", (rows) => rows.add(click), defaultDimensions.slice(1));
    await refused(
      "invalid_parameter",
      (rows) => rows.add(click),
      defaultDimensions.map((dimension) => ({ ...dimension, type: "string" as const })),
    );
    await refused("unknown_dimension", (rows) => rows.add(click), [
      ...defaultDimensions,
      { name: "os", in: "raw", type: "string" },
    ]);
    assert.deepEqual(harness.appends, []);
  });
});
