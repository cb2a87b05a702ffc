import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defaultDimensions } from "../../src/model/dimensions.ts";
import { ConfigHistory } from "../../src/query/config-history.ts";
import { HotMinutes } from "../../src/query/hot-minutes.ts";
import type { ClickStoreReader, MinuteChunk } from "../../src/store/click-store.ts";
import { configOf, minuteDeltas, PlainDictionaries } from "./hot-fixture.ts";
import type { PlainRow } from "./hot-fixture.ts";

const firstMinute = 29_000_000;
const names = ["country", "device"];

describe("recent minutes of a store", () => {
  it("are loaded, the newest ones, up to their bounds", async () => {
    const dictionary = new PlainDictionaries();
    const rows = Array.from({ length: 200 }, (_, i): PlainRow => ({
      minute: firstMinute + i,
      adId: `ad-${i % 3}`,
      dimensions: { country: "US" },
      count: i + 1,
    }));
    const store = storeOf(rows, dictionary);
    const configs = new ConfigHistory([configOf(defaultDimensions)]);
    const whole = new HotMinutes({ dictionary, configs, bytesMax: 1e9 });
    await whole.load(store);
    assert.equal(whole.coveredFromMinute, -Infinity);
    assert.deepEqual(
      whole.countOfAd("ad-0", { fromMinute: 0, toMinute: firstMinute + 4 }, undefined),
      [1 + 4],
    );

    const part = new HotMinutes({ dictionary, configs, bytesMax: 1e9, minutesMax: 90 });
    await part.load(store);
    assert.equal(part.coveredFromMinute, firstMinute + 110);
    assert.equal(
      part.covers({ fromMinute: firstMinute + 109, toMinute: firstMinute + 200 }, undefined),
      false,
    );
    const range = { fromMinute: firstMinute + 110, toMinute: firstMinute + 200 };
    assert.deepEqual(
      part.topAds(range, undefined, 3).map(({ adId }) => adId),
      ["ad-1", "ad-0", "ad-2"],
    );

    const none = new HotMinutes({ dictionary, configs, bytesMax: 0 });
    await none.load(store);
    assert.equal(
      none.covers({ fromMinute: firstMinute, toMinute: firstMinute + 1 }, undefined),
      false,
    );
  });

  it("are answered as far as they are loaded, and whole", async () => {
    const dictionary = new PlainDictionaries();
    const rows = Array.from({ length: 40 }, (_, i): PlainRow => ({
      minute: firstMinute + i,
      adId: "ad",
      dimensions: { country: "US" },
      count: 2 * i + 2,
    }));
    const configs = new ConfigHistory([configOf(defaultDimensions)]);
    const hot = new HotMinutes({ dictionary, configs, bytesMax: 1e9, isToLoad: true });
    const end = firstMinute + 40;
    const countFrom = (minute: number): number | undefined => {
      const range = { fromMinute: minute, toMinute: end };
      return hot.covers(range, undefined) ? hot.countOfAd("ad", range, undefined)[0] : undefined;
    };
    const check = (): number => {
      let covered = 0;
      for (let minute = firstMinute; minute <= end; minute++) {
        const count = countFrom(minute);
        if (count === undefined) continue;
        covered++;
        const own = rows.filter((row) => row.minute >= minute);
        assert.equal(
          count,
          own.reduce((sum, row) => sum + row.count, 0),
        );
      }
      return covered;
    };
    assert.equal(check(), 0);
    const coveredAtTurns: number[] = [];
    const whole = storeOf(rows, dictionary);
    // A minute's rows come in two chunks.
    const halves: Pick<ClickStoreReader, "extent" | "scanMinutes"> = {
      extent: () => whole.extent(),
      async *scanMinutes(from, to): AsyncIterable<MinuteChunk> {
        const own = rows.filter(({ minute }) => minute >= from && minute < to);
        const halved = own.map(({ minute, adId, dimensions, count }) => ({
          minute,
          adId,
          dimensions,
          count: count / 2,
        }));
        for (let half = 0; half < 2; half++) {
          yield minuteDeltas(halved, names, dictionary);
          coveredAtTurns.push(check());
        }
      },
    };
    const turn = async (): Promise<void> => void coveredAtTurns.push(check());
    await hot.load(halves as ClickStoreReader, -Infinity, { turn });
    assert.equal(coveredAtTurns[0], 1, "the minute behind all is known to be empty");
    assert.ok(new Set(coveredAtTurns).size > 3, `${coveredAtTurns.join(" ")}`);
    assert.equal(check(), 41);
  });

  it("are left where they are once the load is ended", async () => {
    const dictionary = new PlainDictionaries();
    const rows = [{ minute: firstMinute, adId: "ad", dimensions: {}, count: 1 }];
    const configs = new ConfigHistory([configOf(defaultDimensions)]);
    const hot = new HotMinutes({ dictionary, configs, bytesMax: 1e9, isToLoad: true });
    await hot.load(storeOf(rows, dictionary), -Infinity, { signal: AbortSignal.abort() });
    assert.equal(
      hot.covers({ fromMinute: firstMinute, toMinute: firstMinute + 1 }, undefined),
      false,
    );
  });
});

/** The part of a store that loading needs, over rows in memory. */
function storeOf(rows: readonly PlainRow[], dictionary: PlainDictionaries): ClickStoreReader {
  const reader: Pick<ClickStoreReader, "extent" | "scanMinutes"> = {
    extent: () =>
      Promise.resolve({ firstMinute: rows[0]!.minute, lastMinute: rows.at(-1)!.minute }),
    async *scanMinutes(from, to): AsyncIterable<MinuteChunk> {
      yield minuteDeltas(
        rows.filter(({ minute }) => minute >= from && minute < to),
        names,
        dictionary,
      );
    },
  };
  return reader as ClickStoreReader;
}
