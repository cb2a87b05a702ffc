import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { ConfigHistory } from "../../src/query/config-history.ts";
import { testConfig } from "../support/random-clicks.ts";

const range = { fromMinute: 0, toMinute: 100 };
const relaid = (partition: number, asOf: number) => ({
  ...range,
  partition,
  id: "r",
  dimensions: ["country", "user_id"],
  asOf,
});

describe("the layouts of what may be seen", () => {
  it("are those that each partition's rows had at its own close", () => {
    const history = new ConfigHistory([testConfig], [relaid(0, 5), relaid(1, 6)], 2);
    const names = (asOf: number, earlier: { partition: number; asOf: number }[] = []): string[] =>
      history
        .layouts(range, { limits: [{ beforeMinute: 100, asOf, earlier }] })
        .flatMap((layout) => layout.map(({ name }) => name));
    assert.deepEqual(names(6), ["country", "user_id"]);
    // One partition had it and the other had not: it is left to raw, as what both lack.
    assert.deepEqual(names(5), ["country"]);
    assert.deepEqual(names(6, [{ partition: 0, asOf: 4 }]), ["country"]);
    assert.deepEqual(names(4), ["country", "device"]);
  });
});
