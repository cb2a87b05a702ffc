import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { messageOf, recordOf } from "../../../src/queue/kafka/record-form.ts";

const place = { partition: 3, offset: 5, receivedAtMs: 1_000 };
const record = { partition: 3, bytes: Uint8Array.of(1, 2, 3), clickCount: 2, receivedAtMs: 900 };

/** As it is fetched of what was sent with this spread. */
const fetched = (spread: number) => {
  const { value, headers } = messageOf(record, spread);
  return { value, headers: [...headers] };
};

describe("a record as a Kafka message", () => {
  it("comes back as it was sent, whatever the spread", () => {
    for (const spread of [1, 2, 64]) {
      const { bytes, clickCount, offset, receivedAtMs } = recordOf(fetched(spread), place, spread);
      assert.deepEqual([...bytes], [1, 2, 3]);
      assert.deepEqual([clickCount, offset, receivedAtMs], [2, 5, 1_000]);
    }
  });

  it("has the form that it always had where an ad lies in one partition", () => {
    const [[name, header]] = fetched(1).headers as [[Buffer, Buffer]];
    assert.equal(name.toString(), "clicktally");
    assert.equal(header.toString("hex"), "020000001d80bc550000000000208c40");
  });

  it("is refused where its clicks were dealt otherwise, and where it is damaged", () => {
    for (const [sent, known] of [
      [1, 2],
      [2, 1],
      [3, 4],
    ] as const)
      assert.throws(() => recordOf(fetched(sent), place, known), {
        code: "invalid_configuration",
        message: new RegExp(`a spread of ${sent}, the settings say ${known}`),
      });
    const { value, headers } = fetched(1);
    value[0]! ^= 1;
    assert.throws(() => recordOf({ value, headers }, place, 1), { code: "data_corrupt" });
    assert.throws(() => recordOf({ value, headers: [] }, place, 1), { code: "data_corrupt" });
  });
});
