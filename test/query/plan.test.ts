import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { defaultDimensions } from "../../src/model/dimensions.ts";
import type { DimensionLayout } from "../../src/model/dimensions.ts";
import { parseFilter } from "../../src/model/parse-filter.ts";
import { ConfigHistory } from "../../src/query/config-history.ts";
import { chooseSource } from "../../src/query/plan.ts";
import { configOf } from "./hot-fixture.ts";

const withUser: DimensionLayout = [
  ...defaultDimensions.filter(({ name }) => name !== "user_id"),
  { name: "user_id", in: "minute", type: "string" },
];

describe("the source of a query", () => {
  const source = (
    filter: string | undefined,
    by: readonly string[],
    layouts: readonly DimensionLayout[],
  ): string => chooseSource(filter === undefined ? undefined : parseFilter(filter), by, layouts);

  it("is the minute store for ads, their attributes and minute dimensions", () => {
    assert.equal(source(undefined, [], [defaultDimensions]), "minute");
    assert.equal(
      source("country==US;ad.campaign_id==c,ad_id==a", ["device"], [defaultDimensions]),
      "minute",
    );
  });

  it("is raw for a raw dimension in the filter or the groups", () => {
    assert.equal(source("country==US,ip==::1", [], [defaultDimensions]), "raw");
    assert.equal(source(undefined, ["country", "user_id"], [defaultDimensions]), "raw");
  });

  it("is the minute store only where every layout in force keeps the field there", () => {
    assert.equal(source("user_id==u", [], [withUser]), "minute");
    assert.equal(source("user_id==u", [], [defaultDimensions, withUser]), "raw");
  });
});

describe("the configurations", () => {
  const first = configOf(defaultDimensions);
  const second = configOf(withUser, {
    generation: 2,
    fromMinute: 100,
    adAttributes: ["campaign_id", "owner"],
  });

  it("in force in a range are those of its minutes", () => {
    const configs = new ConfigHistory([first, second]);
    const layouts = (fromMinute: number, toMinute: number) =>
      configs.layouts({ fromMinute, toMinute });
    assert.deepEqual(layouts(0, 100), [defaultDimensions]);
    assert.deepEqual(layouts(99, 101), [defaultDimensions, withUser]);
    assert.deepEqual(layouts(100, 500), [withUser]);
    assert.deepEqual(configs.minuteDimensionNames(99), ["country", "device"]);
    assert.deepEqual(configs.minuteDimensionNames(100), ["country", "device", "user_id"]);
  });

  it("make all fields known that any of them declares", () => {
    const configs = new ConfigHistory([first]);
    configs.add(second);
    configs.add(first);
    assert.deepEqual(
      [...configs.knownFields.keys()],
      ["ad_id", "country", "device", "user_id", "ip", "ad.campaign_id", "ad.owner"],
    );
  });

  it("replace the one that only stood in", () => {
    const configs = new ConfigHistory([configOf([], { generation: 0 })]);
    configs.add(second);
    assert.deepEqual(configs.minuteDimensionNames(0), ["country", "device", "user_id"]);
  });
});
