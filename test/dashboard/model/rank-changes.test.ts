import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeChange, rankChanges } from "../../../dashboard/model/rank-changes.ts";

const ranking = (...ads: string[]) => ads.map((ad_id, i) => ({ rank: i + 1, ad_id }));

describe("changes of place", () => {
  it("are told for every ad of the ranking now", () => {
    const changes = rankChanges(ranking("a", "b", "c", "d"), ranking("b", "a", "c", "x", "y"));
    const told = [...changes].map(([ad, change]) => `${ad}: ${describeChange(change)}`);
    assert.deepEqual(told, [
      "a: up 1 place",
      "b: down 1 place",
      "c: same place as before",
      "d: new here",
    ]);
    const [far] = rankChanges(ranking("z"), ranking("v", "w", "x", "y", "z")).values();
    assert.equal(describeChange(far!), "up 4 places");
  });

  it("are not told where nothing was before", () => {
    assert.equal(rankChanges(ranking("a", "b"), []).size, 0);
  });
});
