import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DimensionType } from "../../src/model/dimensions.ts";
import { ConfigHistory } from "../../src/query/config-history.ts";
import { planErase } from "../../src/query/erase-plan.ts";
import { testConfig } from "../support/random-clicks.ts";

function historyOf(...types: DimensionType[]): ConfigHistory {
  return new ConfigHistory(
    types.map((type, i) =>
      Object.assign({}, testConfig, {
        generation: i + 1,
        fromMinute: i * 10,
        dimensions: [{ name: "origin", in: "raw", type }],
      }),
    ),
  );
}

async function planned(history: ConfigHistory, ...values: string[]): Promise<readonly string[]> {
  return (await planErase(history, { field: "origin", values, reason: "asked for" })).values;
}

describe("values to erase", () => {
  it("are looked for in the form in which they are stored", async () => {
    assert.deepEqual(await planned(historyOf("string"), "A", "b", "A"), ["A", "b"]);
    assert.deepEqual(await planned(historyOf("country"), "us"), ["US"]);
    assert.deepEqual(await planned(historyOf("ip"), "2001:DB8:0::1", "::ffff:10.0.0.1"), [
      "2001:db8::1",
      "10.0.0.1",
    ]);
  });

  it("are looked for in every form that a type of before gave them", async () => {
    const history = historyOf("string", "ip", "string", "country");
    assert.deepEqual(await planned(history, "2001:DB8::1"), ["2001:db8::1", "2001:DB8::1"]);
    assert.deepEqual(await planned(history, "us"), ["us", "US"]);
    assert.deepEqual(await planned(historyOf("string", "ip"), "abc"), ["abc"]);
    assert.deepEqual(await planned(historyOf("ip", "string"), "abc"), ["abc"]);
  });

  it("are refused where no type has ever had such a value", async () => {
    await assert.rejects(planned(historyOf("country", "ip"), "10.0.0.1", "abc"), {
      code: "invalid_parameter",
      field: "values.1",
      message: /an IPv4 or IPv6 address/,
    });
  });
});
