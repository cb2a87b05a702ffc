import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decodeClickBatch, encodeClickBatch } from "../../src/model/click-batch-codec.ts";
import type { ClickBatch } from "../../src/model/click-batch.ts";
import {
  batchOf,
  clickRows,
  expectedRow,
  rowLayout,
  rowsOf,
  type ClickRow,
} from "../support/click-rows.ts";
import { damage, damaged, decodeOrRefuse } from "../support/damage.ts";

const ownMessage = /^click batch/;

/** Fails where the batch does not come back as it was, from any place in memory. */
function assertRoundTrip(batch: ClickBatch): Uint8Array {
  const bytes = encodeClickBatch(batch);
  assert.equal(bytes.length % 8, 0);
  assert.deepEqual(decodeClickBatch(bytes), batch);
  const shifted = new Uint8Array(bytes.length + 11);
  shifted.set(bytes, 3);
  assert.deepEqual(decodeClickBatch(shifted.subarray(3, 3 + bytes.length)), batch);
  assert.deepEqual(decodeClickBatch(Buffer.from(shifted.buffer, 3, bytes.length)), batch);
  return bytes;
}

function row(changes: Partial<ClickRow>): ClickRow {
  return { ad: "a", eventId: "e", clickTimestampMs: 1_700_000_000_000, values: {}, ...changes };
}

describe("the codec of click batches", () => {
  it("gives back every batch, and the batch every row", () => {
    fc.assert(
      fc.property(clickRows, (rows) => {
        const batch = batchOf(rowLayout, rows);
        assertRoundTrip(batch);
        assert.deepEqual(rowsOf(decodeClickBatch(encodeClickBatch(batch))), rows.map(expectedRow));
      }),
      { numRuns: 300 },
    );
  });

  it("gives back a batch without rows and one without dimensions", () => {
    assertRoundTrip(batchOf(rowLayout, []));
    assertRoundTrip(batchOf([], [row({}), row({ ad: "b" })]));
    assertRoundTrip(batchOf([], []));
  });

  for (const entryCount of [1, 254, 255, 256, 65_535, 65_536]) {
    it(`gives back ${entryCount} different ads that repeat`, () => {
      const ads = Array.from({ length: entryCount }, (_, i) => row({ ad: `ad-${i}` }));
      const batch = batchOf([], [...ads, ads.at(-1)!, ads[0]!]);
      assert.equal(batch.ad.entryCount, entryCount);
      assertRoundTrip(batch);
      const { codes } = batch.ad;
      assert.deepEqual(codes.slice(-3), Uint32Array.of(entryCount, entryCount, 1));
    });
  }

  for (const length of [1, 255, 256, 257, 65_535, 65_536, 65_537]) {
    it(`gives back a value of ${length} bytes beside short ones`, () => {
      const values = [{ user_id: "x".repeat(length) }, {}, { user_id: "y" }];
      assertRoundTrip(
        batchOf(
          rowLayout,
          values.map((value) => row({ values: value })),
        ),
      );
    });
  }

  for (const spread of [0, 0xffff_ffff, 0x1_0000_0000, 7_000_000_000_000]) {
    it(`gives back times ${spread} ms apart`, () => {
      const rows = [17 + spread, 17, 18].map((clickTimestampMs) => row({ clickTimestampMs }));
      const batch = batchOf([], rows);
      assertRoundTrip(batch);
      assert.deepEqual([...batch.clickTimestamps], [17 + spread, 17, 18]);
    });
  }

  it("gives back batches from which rows were dropped", () => {
    const rows = [row({ ad: "kept", values: { user_id: "u", ip: "10.0.0.1" } })];
    const batch = batchOf(rowLayout, rows);
    // Entries that no row uses any more, as a builder leaves them.
    const { ad } = batch;
    const unused = {
      ...batch,
      ad: {
        ...ad,
        offsets: Uint32Array.of(0, 4, 9),
        bytes: new TextEncoder().encode("keptother"),
        entryCount: 2,
      },
    };
    assertRoundTrip(unused);
    assert.deepEqual(rowsOf(decodeClickBatch(encodeClickBatch(unused))), rows.map(expectedRow));
  });

  it("takes about 40 bytes a click of the usual shape", () => {
    const rows = Array.from({ length: 5_000 }, (_, i) =>
      row({
        ad: `ad-${i % 700}`,
        eventId: `${i.toString(16).padStart(8, "0")}-0000-4000-8000-00000000abcd`,
        values: {
          country: "US",
          device: "mobile",
          user_id: `u${i % 900}`,
          ip: `10.1.${i >> 8}.${i & 255}`,
        },
      }),
    );
    const bytesPerClick = encodeClickBatch(batchOf(rowLayout, rows)).length / rows.length;
    assert.ok(bytesPerClick < 42, `${bytesPerClick} bytes a click`);
  });
});

describe("the codec of click batches on damaged bytes", () => {
  it("refuses a batch that ends anywhere before its end, or goes on after it", () => {
    fc.assert(
      fc.property(clickRows, (rows) => {
        const bytes = encodeClickBatch(batchOf(rowLayout, rows.slice(0, 6)));
        for (let length = 0; length < bytes.length; length++) {
          const decoded = decodeOrRefuse(
            () => decodeClickBatch(bytes.subarray(0, length)),
            ownMessage,
          );
          assert.equal(decoded, undefined, `${length} of ${bytes.length} bytes`);
        }
        const longer = new Uint8Array(bytes.length + 8);
        longer.set(bytes);
        assert.throws(() => decodeClickBatch(longer), /8 bytes too many/);
      }),
      { numRuns: 30 },
    );
  });

  it("either refuses changed bytes or gives a batch whose every value can be read", () => {
    let refused = 0;
    fc.assert(
      fc.property(clickRows, damage, (rows, changes) => {
        const bytes = damaged(encodeClickBatch(batchOf(rowLayout, rows)), changes);
        const batch = decodeOrRefuse(() => decodeClickBatch(bytes), ownMessage);
        if (batch) assert.equal(rowsOf(batch).length, batch.rowCount);
        else refused++;
      }),
      { numRuns: 1_500 },
    );
    assert.ok(refused > 100, `only ${refused} refused`);
  });

  it("believes no number that asks for more than there is", () => {
    const rows = [
      row({ values: { country: "US", user_id: "u", ip: "::1" } }),
      row({ eventId: [1, 2, 3, 4] }),
    ];
    const bytes = encodeClickBatch(batchOf(rowLayout, rows));
    for (let at = 0; at + 4 <= bytes.length; at++) {
      for (const value of [0xffff_ffff, 0x7fff_ffff, 0x0100_0000, 0x0000_ffff]) {
        const copy = new Uint8Array(bytes);
        new DataView(copy.buffer).setUint32(at, value, true);
        const batch = decodeOrRefuse(() => decodeClickBatch(copy), ownMessage);
        if (batch) assert.equal(rowsOf(batch).length, batch.rowCount);
      }
    }
  });

  it("refuses bytes of any other kind", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, asVersion1) => {
        if (asVersion1 && bytes.length > 0) bytes[0] = 1;
        decodeOrRefuse(() => decodeClickBatch(bytes), ownMessage);
      }),
      { numRuns: 2_000 },
    );
    assert.throws(
      () => decodeClickBatch(Uint8Array.of(2, 0, 0, 0)),
      /click batch version 2, known: 1/,
    );
  });
});
