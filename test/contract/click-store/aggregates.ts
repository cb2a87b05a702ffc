import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Filter } from "../../../src/model/filter.ts";
import type { AggregateQuery } from "../../../src/store/click-store.ts";
import type { CommitParts } from "../../support/store-clicks.ts";
import { storeLayout } from "../../support/store-clicks.ts";
import type { OpenStore } from "./harness.ts";
import { click, hour, is, isNot, isNull, noon, shown, withClicks } from "./harness.ts";

export function describeAggregates(title: string, open: OpenStore): void {
  describe(`${title}: aggregates`, () => {
    const clicks = [
      click("a", 0, { country: "US", device: "mobile", user_id: "u1", ip: "10.0.0.1" }),
      click("a", 0, { country: "US", device: "mobile", user_id: "u2", ip: "2001:db8::1" }),
      click("a", 1, { country: "DE", user_id: "u1" }),
      click("b", 1, { device: "mobile", ip: "10.0.0.1" }),
      click("b", 2, { country: "US", device: "tv" }),
      click("c", 59, {}),
      click("c", 60, { country: "US" }),
      click("d", 3, { country: "US" }, { outcome: "duplicate" }),
      click("d", 3, { country: "US" }, { outcome: "quarantined" }),
    ];
    const sources = ["minute", "raw"] as const;

    it("counts what was counted, by ad, highest first, ties by ad", async () => {
      await withClicks(open, [{ clicks }], async (store) => {
        for (const source of sources) {
          const { rows } = await store.aggregate({ ...hour, source, groupBy: ["ad_id"] });
          assert.deepEqual(shown(rows), ["a 3", "b 2", "c 1"], source);
        }
      });
    });

    it("leaves out what lies outside the range, from inclusive and to exclusive", async () => {
      await withClicks(open, [{ clicks }], async (store) => {
        for (const source of sources) {
          const range = { fromMinute: noon + 1, toMinute: noon + 2 };
          const { rows } = await store.aggregate({ ...hour, ...range, source, groupBy: ["ad_id"] });
          assert.deepEqual(shown(rows), ["a 1", "b 1"], source);
        }
      });
    });

    it("filters, where a missing value matches only !=, =out= and =null=true", async () => {
      const cases: [Filter, number][] = [
        [is("country", "US"), 3],
        [is("country", "US", "DE"), 4],
        [is("country", "FR"), 0],
        [isNot("country", "US"), 3],
        [isNot("country", "US", "DE"), 2],
        [isNot("country", "FR"), 6],
        [isNull("country", true), 2],
        [isNull("country", false), 4],
        [is("ad_id", "a"), 3],
        [isNot("ad_id", "a", "nobody"), 3],
        [is("ad_id", "nobody"), 0],
        [isNull("ad_id", true), 0],
        [{ kind: "and", operands: [is("country", "US"), is("device", "mobile")] }, 2],
        [{ kind: "or", operands: [is("country", "DE"), is("device", "mobile")] }, 4],
        [
          {
            kind: "and",
            operands: [
              { kind: "or", operands: [is("ad_id", "b"), is("ad_id", "c")] },
              isNull("country", true),
            ],
          },
          2,
        ],
      ];
      await withClicks(open, [{ clicks }], async (store) => {
        for (const source of sources) {
          for (const [filter, count] of cases) {
            const { rows } = await store.aggregate({ ...hour, source, filter, groupBy: [] });
            const found = rows[0]?.count ?? 0;
            assert.equal(found, count, `${source} ${JSON.stringify(filter)}`);
          }
        }
      });
    });

    it("filters by raw dimensions, addresses in any notation", async () => {
      const cases: [Filter, number][] = [
        [is("user_id", "u1"), 2],
        [isNot("user_id", "u1"), 4],
        [isNull("user_id", true), 3],
        [is("user_id", "u1", "u2", "nobody"), 3],
        [is("ip", "10.0.0.1"), 2],
        [is("ip", "::ffff:10.0.0.1"), 2],
        [is("ip", "2001:DB8:0:0:0:0:0:1"), 1],
        [isNot("ip", "10.0.0.1"), 4],
        [isNull("ip", false), 3],
        [is("ip", "10.0.0.1", "2001:db8::1"), 3],
      ];
      await withClicks(open, [{ clicks }], async (store) => {
        for (const [filter, count] of cases) {
          const query = { ...hour, source: "raw", filter, groupBy: [] } as const;
          const { rows } = await store.aggregate(query);
          assert.equal(rows[0]?.count ?? 0, count, JSON.stringify(filter));
        }
      });
    });

    it("filters and groups by addresses of which some came as hashes and networks", async () => {
      const hash = "h1.iKxBWnCedlywC_Hs0e9MZQ";
      const layout = storeLayout.map((own) =>
        own.name === "ip" ? ({ ...own, type: "string" } as const) : own,
      );
      const later = [
        click("a", 4, { ip: "10.0.0.0/24" }),
        click("b", 4, { ip: hash }),
        click("b", 5, { ip: hash }),
      ];
      const cases: [Filter, number][] = [
        [is("ip", "10.0.0.1"), 2],
        [is("ip", "10.0.0.1", "10.0.0.0/24"), 3],
        [is("ip", "10.0.0.1", "10.0.0.0/24", hash), 5],
        [isNot("ip", "10.0.0.1", "10.0.0.0/24", hash), 4],
        [is("ip", hash), 2],
        [isNull("ip", false), 6],
      ];
      await withClicks(open, [{ clicks }, { clicks: later, layout }], async (store) => {
        for (const [filter, count] of cases) {
          const query = { ...hour, source: "raw", filter, groupBy: [] } as const;
          const { rows } = await store.aggregate(query);
          assert.equal(rows[0]?.count ?? 0, count, JSON.stringify(filter));
        }
        const groups: string[] = [];
        const query = { ...hour, source: "raw", groupBy: ["ip"], order: "key", limit: 2 } as const;
        for (let after: AggregateQuery["after"]; ;) {
          const { rows } = await store.aggregate({ ...query, ...(after && { after }) });
          groups.push(...shown(rows));
          const last = rows.at(-1);
          if (!last || rows.length < 2) break;
          after = { bucketStart: last.bucketStart, group: last.group };
        }
        assert.deepEqual(groups.toSorted(), [
          "- 3",
          "10.0.0.0/24 1",
          "10.0.0.1 2",
          "2001:db8::1 1",
          `${hash} 2`,
        ]);
      });
    });

    it("takes text in filters for text, whatever it looks like", async () => {
      const odd = `x' OR 1=1; DROP TABLE "a" -- $1 %`;
      await withClicks(
        open,
        [{ clicks: [click(odd, 0, { country: odd, user_id: odd })] }],
        async (store) => {
          const filter: Filter = {
            kind: "and",
            operands: [is("ad_id", odd), is("country", odd), is("user_id", odd)],
          };
          const query = {
            ...hour,
            source: "raw",
            filter,
            groupBy: ["ad_id", "country", "user_id"],
          } as const;
          const { rows } = await store.aggregate(query);
          assert.deepEqual(rows[0]?.group, [odd, odd, odd]);
          const none = await store.aggregate({ ...query, filter: is("user_id", "x' OR 1=1 --") });
          assert.deepEqual(none.rows, []);
        },
      );
    });

    it("counts one ad", async () => {
      await withClicks(open, [{ clicks }], async (store) => {
        for (const source of sources) {
          const one = await store.aggregate({ ...hour, source, adId: "a", groupBy: [] });
          assert.deepEqual(one.rows, [{ bucketStart: noon, group: [], count: 3 }]);
          const none = await store.aggregate({ ...hour, source, adId: "nobody", groupBy: [] });
          assert.deepEqual(none.rows, []);
        }
      });
    });

    it("groups by up to three fields; a missing value is a group of its own", async () => {
      await withClicks(open, [{ clicks }], async (store) => {
        const groupBy = ["ad_id", "country", "device"];
        for (const source of sources) {
          const { rows } = await store.aggregate({ ...hour, source, groupBy, order: "key" });
          const expected = ["a DE - 1", "a US mobile 2", "b - mobile 1", "b US tv 1", "c - - 1"];
          assert.deepEqual(shown(rows), expected, source);
        }
        const byUser = {
          ...hour,
          source: "raw",
          groupBy: ["user_id", "ip"],
          order: "key",
        } as const;
        const { rows } = await store.aggregate(byUser);
        const expected = ["- - 2", "- 10.0.0.1 1", "u1 - 1", "u1 10.0.0.1 1", "u2 2001:db8::1 1"];
        assert.deepEqual(shown(rows), expected);
      });
    });

    it("breaks ties by the bytes of UTF-8", async () => {
      // U+FF41 comes before U+1F600, though its UTF-16 unit is higher than the other's first.
      const names = ["B", "a", "é", "\u{ff41}", "\u{1f600}"];
      await withClicks(
        open,
        [{ clicks: names.toReversed().map((ad) => click(ad, 0)) }],
        async (store) => {
          for (const order of ["count", "key"] as const) {
            const { rows } = await store.aggregate({
              ...hour,
              source: "minute",
              groupBy: ["ad_id"],
              order,
            });
            assert.deepEqual(
              rows.map(({ group }) => group[0]),
              names,
            );
          }
        },
      );
    });

    it("is exact at the limit when ties reach beyond it", async () => {
      const many = Array.from({ length: 50 }, (_, i) =>
        click(`t${String(49 - i).padStart(2, "0")}`, 0),
      );
      await withClicks(
        open,
        [{ clicks: [...many, click("z", 0), click("z", 0)] }],
        async (store) => {
          const { rows } = await store.aggregate({
            ...hour,
            source: "minute",
            groupBy: ["ad_id"],
            limit: 4,
          });
          assert.deepEqual(shown(rows), ["z 2", "t00 1", "t01 1", "t02 1"]);
        },
      );
    });

    it("groups by buckets, even and uneven ones", async () => {
      await withClicks(open, [{ clicks }], async (store) => {
        const buckets = async (starts: number[]) => {
          const query = { ...hour, groupBy: [], order: "key", source: "minute" } as const;
          const bucketStarts = starts.map((start) => noon + start);
          const { rows } = await store.aggregate({ ...query, toMinute: noon + 61, bucketStarts });
          return rows.map(({ bucketStart, count }) => [bucketStart - noon, count]);
        };
        assert.deepEqual(await buckets([0]), [[0, 7]]);
        assert.deepEqual(await buckets([0, 30, 60]), [
          [0, 5],
          [30, 1],
          [60, 1],
        ]);
        assert.deepEqual(await buckets([0, 2, 59]), [
          [0, 4],
          [2, 1],
          [59, 2],
        ]);
      });
    });

    it("pages in the order of keys, after any row", async () => {
      await withClicks(open, [{ clicks }], async (store) => {
        for (const groupBy of [["country", "device"], ["user_id", "ip"], ["ad_id"]]) {
          const query = {
            ...hour,
            source: "raw",
            groupBy,
            order: "key",
            toMinute: noon + 61,
            bucketStarts: [noon, noon + 2, noon + 60],
          } as const;
          const { rows: all } = await store.aggregate(query);
          assert.ok(all.length > 3);
          for (const [i, after] of all.entries()) {
            const { rows } = await store.aggregate({ ...query, after, limit: 2 });
            assert.deepEqual(rows, all.slice(i + 1, i + 3));
          }
        }
      });
    });

    it("asks for attributes of ads as they were in each minute", async () => {
      const change = (
        ad_id: string,
        minute: number,
        attributes: Record<string, string | null>,
      ) => ({
        ad_id,
        attributes,
        valid_from_minute: noon + minute,
      });
      const commits: CommitParts[] = [
        { adAttributes: [change("a", -60, { campaign: "old", owner: "x" })] },
        { clicks },
        {
          adAttributes: [
            change("a", 1, { campaign: "first" }),
            change("a", 1, { campaign: "new" }),
          ],
        },
        { adAttributes: [change("b", 0, { campaign: "old" }), change("b", 2, { campaign: null })] },
        { adAttributes: [change("nobody", 0, { campaign: "old" })] },
      ];
      await withClicks(open, commits, async (store) => {
        for (const source of sources) {
          const query = {
            ...hour,
            source,
            groupBy: ["ad.campaign", "ad_id"],
            order: "key",
          } as const;
          const { rows } = await store.aggregate(query);
          const expected = ["- b 1", "- c 1", "new a 1", "old a 2", "old b 1"];
          assert.deepEqual(shown(rows), expected, source);
          const filter: Filter = {
            kind: "and",
            operands: [isNot("ad.campaign", "new"), isNull("ad.owner", true)],
          };
          const { rows: filtered } = await store.aggregate({
            ...query,
            filter,
            groupBy: ["ad_id"],
          });
          assert.deepEqual(shown(filtered), ["b 2", "c 1"], source);
        }
        assert.deepEqual(await store.adAttributes("a"), {
          ad_id: "a",
          attributes: { campaign: "new", owner: "x" },
          valid_from_minute: noon + 1,
        });
        assert.equal(await store.adAttributes("b"), undefined);
        assert.equal(await store.adAttributes("c"), undefined);
      });
    });

    it("has no value for a dimension in minutes of before it was declared", async () => {
      const later = [...storeLayout, { name: "os", in: "minute", type: "string" } as const];
      const commits: CommitParts[] = [
        { clicks: [click("a", 0, { country: "US" })] },
        { clicks: [click("a", 1, { country: "US", os: "ios" })], layout: later },
      ];
      await withClicks(open, commits, async (store) => {
        for (const source of sources) {
          const query = { ...hour, source, groupBy: ["os"], order: "key" } as const;
          assert.deepEqual(shown((await store.aggregate(query)).rows), ["- 1", "ios 1"]);
          const filter = isNot("os", "ios");
          assert.deepEqual(shown((await store.aggregate({ ...query, filter })).rows), ["- 1"]);
        }
      });
    });

    it("takes a dimension that nobody ever sent for missing", async () => {
      await withClicks(open, [{ clicks }], async (store) => {
        for (const source of sources) {
          const query = { ...hour, source, filter: isNull("browser", true), groupBy: ["browser"] };
          assert.deepEqual(shown((await store.aggregate(query)).rows), ["- 6"]);
          const none = { ...query, filter: is("browser", "x") };
          assert.deepEqual((await store.aggregate(none)).rows, []);
        }
      });
    });
  });
}
