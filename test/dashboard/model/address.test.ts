import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Address } from "../../../dashboard/model/address.ts";
import {
  defaultAddress,
  formatAddress,
  parseAddress,
  topNs,
  views,
} from "../../../dashboard/model/address.ts";

const zones = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"] as const;
const time = fc
  .integer({ min: 0, max: 4_000_000_000 })
  .map((seconds) => new Date(seconds * 1000).toISOString());
const times = fc.tuple(time, time).filter(([from, to]) => from < to);
const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });

/** As a view has it: what another view does not show is not in its address. */
const addresses: fc.Arbitrary<Address> = fc
  .record({
    view: fc.constantFrom(...views),
    range: fc.oneof(
      fc.constantFrom("15m", "60m", "7d", "90").map((window) => ({ window })),
      times.map(([from, to]) => ({ from, to })),
    ),
    zone: fc.constantFrom(...zones),
    filter: fc.oneof(fc.constant(""), text),
    adId: text,
    topN: fc.constantFrom(...topNs),
    granularity: fc.constantFrom("" as const, "minute" as const, "hour" as const, "day" as const),
    by: fc.uniqueArray(fc.constantFrom("country", "device", "ad_id", "ad.campaign_id"), {
      maxLength: 3,
    }),
    tab: fc.constantFrom("restatements" as const, "quarantine" as const),
    explained: fc.option(
      fc.record({ adId: fc.oneof(fc.constant(""), text), range: times, filter: text }),
      { nil: undefined },
    ),
  })
  .map(({ explained, ...drawn }) => {
    const { view, zone, range, filter } = drawn;
    const other = defaultAddress(zone);
    return {
      view,
      range,
      zone,
      filter,
      adId: view === "ad" || view === "corrections" ? drawn.adId : other.adId,
      topN: view === "live" ? drawn.topN : other.topN,
      granularity: view === "ad" || view === "reports" ? drawn.granularity : other.granularity,
      by: view === "reports" ? drawn.by : other.by,
      tab: view === "corrections" ? drawn.tab : other.tab,
      explained: explained && {
        adId: explained.adId,
        from: explained.range[0],
        to: explained.range[1],
        filter: explained.filter,
      },
    };
  });

describe("an address", () => {
  it("says everything that a view shows", () => {
    fc.assert(
      fc.property(addresses, (address) => {
        assert.deepEqual(parseAddress(formatAddress(address), "Pacific/Auckland"), address);
      }),
    );
  });

  it("is short where all is as it begins, and still names the zone", () => {
    assert.equal(formatAddress(defaultAddress("UTC")), "?tz=UTC");
    assert.deepEqual(parseAddress("", "UTC"), defaultAddress("UTC"));
  });

  for (const [what, search] of [
    ["a view", "?view=settings"],
    ["a window", "?window=soon"],
    ["an empty range", "?from=2026-11-23T10:00:00Z&to=2026-11-23T10:00:00Z"],
    ["half a range", "?from=2026-11-23T10:00:00Z"],
    ["a zone", "?tz=Mars%2FOlympus"],
    ["a number of ads", "?top=11"],
    ["a tab", "?tab=trash"],
    ["an explained number", "?explain=ad&explain_ad=&explain_from=x&explain_to=y"],
  ] as const) {
    it(`leaves ${what} that is none at its default`, () => {
      assert.deepEqual(parseAddress(search, "UTC"), defaultAddress("UTC"));
    });
  }

  it("takes three fields to group by, each once", () => {
    const { by } = parseAddress("?view=reports&by=a,a,,b,c,d", "UTC");
    assert.deepEqual(by, ["a", "b", "c"]);
  });
});
