import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkBatch } from "../../src/ingest/check-batch.ts";
import type { ClickBatch, IpColumn, StringColumn } from "../../src/model/click-batch.ts";
import { EventIdKind } from "../../src/model/click-batch.ts";
import type { DimensionLayout } from "../../src/model/dimensions.ts";

const layout: DimensionLayout = [
  { name: "ip", in: "raw", type: "ip" },
  { name: "device", in: "minute", type: "string" },
];

function strings(...values: readonly (string | readonly number[])[]): StringColumn {
  const parts = values.map((value) =>
    typeof value === "string" ? Buffer.from(value) : Buffer.from(value),
  );
  const offsets = [0];
  for (const part of parts) offsets.push(offsets.at(-1)! + part.length);
  return {
    type: "string",
    codes: Uint32Array.from(values.keys(), (entry) => entry + 1),
    offsets: Uint32Array.from(offsets),
    bytes: Buffer.concat(parts),
    entryCount: values.length,
  };
}

function ips(present: readonly number[], words: readonly number[]): IpColumn {
  return { type: "ip", present: Uint8Array.from(present), words: Uint32Array.from(words) };
}

function batchOf(
  changes: {
    ad?: StringColumn;
    ip?: IpColumn;
    device?: StringColumn;
    eventIds?: readonly string[];
  } = {},
): ClickBatch {
  const { offsets, bytes } = strings(...(changes.eventIds ?? ["e", "f"]));
  return {
    rowCount: 2,
    clickTimestamps: Float64Array.of(1000, 2000),
    ad: changes.ad ?? strings("a", "é"),
    eventIds: {
      kinds: Uint8Array.of(EventIdKind.text, EventIdKind.text),
      words: Uint32Array.of(0, 0, 0, 0, 1, 0, 0, 0),
      textOffsets: offsets,
      textBytes: bytes,
    },
    dimensions: [
      { name: "ip", column: changes.ip ?? ips([1, 0], [0, 0, 0xffff, 1, 0, 0, 0, 0]) },
      { name: "device", column: changes.device ?? strings("tv", "é") },
    ],
  };
}

function assertRefused(batch: ClickBatch, field: string): void {
  assert.throws(() => checkBatch(batch, layout, 5000), { code: "invalid_parameter", field });
}

describe("checkBatch", () => {
  it("takes what ingest writes", () => checkBatch(batchOf(), layout, 5000));

  it("refuses values that are UTF-8 only together", () => {
    assertRefused(batchOf({ ad: strings([0x61, 0xc3], [0xa9]) }), "ad_id");
    assertRefused(batchOf({ device: strings([0xe2, 0x82], [0xac]) }), "device");
    assertRefused(batchOf({ device: strings([0xff], "x") }), "device");
  });

  it("refuses a UUID as a text, which would be another identity than the same UUID", () => {
    const id = "7d444840-9dc0-11d1-b245-5ffdce74fad2";
    checkBatch(batchOf({ eventIds: ["e", id.toUpperCase()] }), layout, 5000);
    assertRefused(batchOf({ eventIds: ["e", id] }), "event_id");
    assertRefused(batchOf({ eventIds: ["e", ""] }), "event_id");
  });

  it("refuses addresses that are half there", () => {
    assertRefused(batchOf({ ip: ips([1, 0], [0, 0, 0xffff, 1, 0, 0, 0, 1]) }), "ip");
    assertRefused(batchOf({ ip: ips([2, 0], [0, 0, 0xffff, 1, 0, 0, 0, 0]) }), "ip");
  });

  it("refuses times in the future", () => {
    checkBatch(batchOf(), layout, 2000);
    assert.throws(() => checkBatch(batchOf(), layout, 1999), {
      code: "invalid_parameter",
      field: "click_timestamp",
    });
  });

  it("refuses columns in another order", () => {
    const batch = batchOf();
    assertRefused({ ...batch, dimensions: batch.dimensions.toReversed() }, "dimensions");
  });
});
