import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defaultDimensions } from "../../src/model/dimensions.ts";
import type { DimensionLayout } from "../../src/model/dimensions.ts";
import type { RequestFacts } from "../../src/tracker/tracked-click.ts";
import { trackedClick } from "../../src/tracker/tracked-click.ts";

const link = { adId: "a", to: undefined, eventId: undefined, fields: {} };
const facts = { ip: "192.0.2.7", headerValues: {}, eventId: "own", nowMs: 1_800_000_000_000 };

function clickOf(
  some: Partial<RequestFacts>,
  fields: Readonly<Record<string, string>> = {},
  layout: DimensionLayout = defaultDimensions,
): unknown {
  const bytes = trackedClick({ ...link, fields }, { ...facts, ...some }, layout);
  return JSON.parse(new TextDecoder().decode(bytes));
}

const bare = { ad_id: "a", event_id: "own", click_timestamp: 1_800_000_000_000 };

describe("a tracked click", () => {
  it("has the request's address and what headers say, unless the link says otherwise", () => {
    const headerValues = { country: "de", device: " mobile " };
    const seen = { ...bare, ip: "192.0.2.7", country: "DE", device: "mobile" };
    assert.deepEqual(clickOf({ headerValues }), seen);
    assert.deepEqual(clickOf({ headerValues }, { country: "FR", user_id: "u1" }), {
      ...seen,
      country: "FR",
      user_id: "u1",
    });
  });

  it("has no field that is not declared, but those of the link", () => {
    assert.deepEqual(clickOf({ headerValues: { os: "x" } }, { b: "c" }, []), { ...bare, b: "c" });
  });

  it("is without what makes no sense, rather than refused for it", () => {
    for (const country of ["XX", "T1", "Germany", "", "D"])
      assert.deepEqual(clickOf({ headerValues: { country }, ip: "unknown" }), bare);
    const device = "x".repeat(257);
    assert.deepEqual(clickOf({ headerValues: { device }, ip: "" }), bare);
  });

  it("knows an address without its zone", () => {
    assert.deepEqual(clickOf({ ip: "fe80::1%eth0" }), { ...bare, ip: "fe80::1" });
  });
});
