import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openDuckDbStore } from "../../../src/store/duckdb/duckdb-store.ts";
import { CommitMaker } from "../../support/store-clicks.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const click = (ad_id: string, country: string, event_id: string) => ({
  ad_id,
  event_id,
  click_timestamp: 1_772_366_400_000,
  dimensions: { country },
});

describe("values that were erased from minute rows", () => {
  it("are forgotten by their dictionary at the next opening, where no row has them any more", async () => {
    await using directory = await temporaryDirectory();
    const options = {
      path: join(directory.path, "store.duckdb"),
      memoryBytesMax: 256_000_000,
      threads: 1,
    };
    const maker = new CommitMaker();
    const spelled = async (): Promise<readonly string[]> => {
      await using store = await openDuckDbStore(options);
      return (await store.recover()).dictionaries.get("country")!;
    };
    const erase = (value: string, ad: string) =>
      maker.next({
        erasures: [
          {
            field: "country",
            values: [value],
            adKeys: [maker.keyOf("ad_id", ad)],
            inMinutes: true,
          },
        ],
      });
    {
      await using store = await openDuckDbStore(options);
      await store.commit(
        maker.next({
          clicks: [click("a", "US", "1"), click("b", "DE", "2"), click("b", "FR", "3")],
        }),
      );
      await store.commit(erase("US", "a"));
      await store.commit(erase("DE", "b"));
      // Sent again since.
      await store.commit(maker.next({ clicks: [click("b", "DE", "4")] }));
      const { dictionaries } = await store.recover();
      assert.deepEqual(
        dictionaries.get("country"),
        ["US", "DE", "FR"],
        "still in use by whoever runs",
      );
    }
    const [us, ...others] = await spelled();
    assert.match(us!, /^erased [0-9a-f-]{36}$/);
    assert.deepEqual(others, ["DE", "FR"]);
    assert.deepEqual(await spelled(), [us, "DE", "FR"], "once");
    {
      await using store = await openDuckDbStore(options);
      await store.commit(erase("DE", "b"));
    }
    const [, de] = await spelled();
    assert.match(de!, /^erased /);
    {
      // Of nobody's clicks any more, as after retention.
      await using store = await openDuckDbStore(options);
      const erasures = [{ field: "country", values: ["FR"], adKeys: [], inMinutes: false }];
      await store.commit(maker.next({ erasures }));
      await store.commit(erase("FR", "b"));
    }
    const [, , fr] = await spelled();
    assert.match(fr!, /^erased /);
  });
});
