import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decodeLogRecord, encodeLogRecord } from "../../src/model/log-record-codec.ts";
import type { LogRecord } from "../../src/model/log-record.ts";
import type { SemanticConfig } from "../../src/model/semantic-config.ts";
import { batchOf, clickRows, rowLayout } from "../support/click-rows.ts";
import { damage, damaged, decodeOrRefuse } from "../support/damage.ts";

const ownMessage = /^(?:log record|click batch)/;
const receivedAtMs = fc.oneof(fc.nat(2 ** 31), fc.integer({ min: 0, max: 7_258_118_399_999 }));
const source = fc.oneof(
  fc.constantFrom("http", "import:a b.csv", ""),
  fc.string({ unit: "binary" }),
);

/** fast-check may make records without a prototype, JSON.parse does not. */
const ordinary = { noNullPrototype: true } as const;

const config: fc.Arbitrary<SemanticConfig> = fc.record(
  {
    generation: fc.nat(),
    fromMinute: fc.nat(),
    dimensions: fc.constant(rowLayout),
    adAttributes: fc.array(fc.string()),
    outOfOrdernessMs: fc.nat(),
    allowedLatenessMs: fc.nat(),
    idleLagMs: fc.nat(),
    dedupHorizonMs: fc.nat(),
    dedupRecentMs: fc.nat(),
    late: fc.constantFrom("restate", "quarantine"),
  },
  ordinary,
);
const change = fc.record(
  {
    ad_id: fc.string({ unit: "binary" }),
    attributes: fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.constant(null)), ordinary),
    valid_from_minute: fc.nat(),
  },
  ordinary,
);
const clicks = fc.record(
  {
    kind: fc.constant("clicks" as const),
    receivedAtMs,
    source,
    history: fc.boolean(),
    batch: clickRows.map((rows) => batchOf(rowLayout, rows)),
  },
  ordinary,
);
const tick = fc.record({ kind: fc.constant("tick" as const), receivedAtMs }, ordinary);
const rejects = fc.record(
  {
    kind: fc.constant("rejects" as const),
    receivedAtMs,
    source,
    counts: fc.record(
      { invalid_ip: fc.nat(), missing_field: fc.nat() },
      { ...ordinary, requiredKeys: [] },
    ),
  },
  ordinary,
);
const control = fc.record(
  {
    kind: fc.constant("control" as const),
    receivedAtMs,
    control: fc.oneof(
      config.map((value) => ({ type: "config" as const, config: value })),
      fc.array(change).map((changes) => ({ type: "ad_attributes" as const, changes })),
    ),
  },
  ordinary,
);
const logRecord: fc.Arbitrary<LogRecord> = fc.oneof(clicks, tick, rejects, control);

/** A record with a head of our own making. */
function withHead(kind: number, head: string): Uint8Array {
  const headBytes = new TextEncoder().encode(head);
  const bytes = new Uint8Array(16 + Math.ceil(headBytes.length / 8) * 8);
  bytes[0] = 1;
  bytes[1] = kind;
  new DataView(bytes.buffer).setUint32(4, headBytes.length, true);
  bytes.set(headBytes, 16);
  return bytes;
}

describe("the codec of log records", () => {
  it("gives back every record of every kind", () => {
    fc.assert(
      fc.property(logRecord, fc.nat(15), (record, shift) => {
        const bytes = encodeLogRecord(record);
        assert.deepEqual(decodeLogRecord(bytes), record);
        const shifted = new Uint8Array(bytes.length + 16);
        shifted.set(bytes, shift);
        assert.deepEqual(decodeLogRecord(shifted.subarray(shift, shift + bytes.length)), record);
        assert.deepEqual(decodeLogRecord(Buffer.from(shifted.buffer, shift, bytes.length)), record);
      }),
      { numRuns: 200 },
    );
  });

  it("views the columns in the bytes instead of copying them", () => {
    const rows = Array.from({ length: 10 }, () => ({
      ad: "a",
      eventId: "e",
      clickTimestampMs: 1,
      values: {},
    }));
    const batch = batchOf(rowLayout, rows);
    const bytes = encodeLogRecord({
      kind: "clicks",
      receivedAtMs: 1,
      source: "s",
      history: false,
      batch,
    });
    const record = decodeLogRecord(bytes);
    assert.ok(record.kind === "clicks");
    assert.equal(record.batch.eventIds.words.buffer, bytes.buffer);
  });

  it("refuses a record that ends anywhere before its end", () => {
    fc.assert(
      fc.property(logRecord, (record) => {
        const bytes = encodeLogRecord(record);
        const step = Math.ceil(bytes.length / 400);
        for (let length = 0; length < bytes.length; length += step) {
          const decoded = decodeOrRefuse(
            () => decodeLogRecord(bytes.subarray(0, length)),
            ownMessage,
          );
          assert.equal(decoded, undefined, `${length} of ${bytes.length} bytes`);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("refuses changed bytes with a RangeError or gives a record of a known kind", () => {
    fc.assert(
      fc.property(logRecord, damage, (record, changes) => {
        const bytes = damaged(encodeLogRecord(record), changes);
        const decoded = decodeOrRefuse(() => decodeLogRecord(bytes), ownMessage);
        if (decoded) assert.ok(["clicks", "tick", "rejects", "control"].includes(decoded.kind));
      }),
      { numRuns: 1_000 },
    );
  });

  it("believes no length that asks for more than there is", () => {
    for (const length of [3, 8, 9, 0xffff, 0x7fff_ffff, 0xffff_ffff]) {
      const bytes = withHead(1, "{}");
      new DataView(bytes.buffer).setUint32(4, length, true);
      assert.throws(() => decodeLogRecord(bytes), RangeError, `head of ${length}`);
    }
  });

  for (const [kind, head, message] of [
    [0, '{"source":1}', /without a source/],
    [0, "{}", /without a source/],
    [0, '{"source":"s"}', /click batch ends early/],
    [1, "null", /no object/],
    [1, "[]", /no object/],
    [1, "7", /no object/],
    [1, "{", /unreadable head/],
    [1, '{"a":"\u0000"}', /unreadable head/],
    [2, '{"counts":{}}', /without a source/],
    [2, '{"source":"s"}', /without counts/],
    [2, '{"source":"s","counts":[]}', /without counts/],
    [2, '{"source":"s","counts":{"invalid_ip":"1"}}', /without counts/],
    [3, "{}", /unknown control/],
    [3, '{"type":"toString"}', /unknown control/],
    [3, '{"type":"config"}', /unknown control/],
    [3, '{"type":"config","config":null}', /unknown control/],
    [3, '{"type":"ad_attributes","changes":{}}', /unknown control/],
    [4, "{}", /unknown kind 4/],
    [255, "{}", /unknown kind 255/],
  ] as const) {
    it(`refuses kind ${kind} with the head ${JSON.stringify(head)}`, () => {
      assert.throws(() => decodeLogRecord(withHead(kind, head)), { name: "RangeError", message });
    });
  }

  it("refuses another version, a time that is none and bytes after a head", () => {
    const ticked = encodeLogRecord({ kind: "tick", receivedAtMs: 5 });
    const changed = (set: (view: DataView) => void) => {
      const copy = new Uint8Array(ticked);
      set(new DataView(copy.buffer));
      return copy;
    };
    assert.throws(
      () => decodeLogRecord(changed((view) => view.setUint8(0, 2))),
      /version 2, known: 1/,
    );
    for (const time of [Number.NaN, Infinity]) {
      assert.throws(
        () => decodeLogRecord(changed((view) => view.setFloat64(8, time, true))),
        /received at/,
      );
    }
    assert.throws(
      () => decodeLogRecord(new Uint8Array([...ticked, 0, 0, 0, 0, 0, 0, 0, 0])),
      /after its head/,
    );
  });
});
