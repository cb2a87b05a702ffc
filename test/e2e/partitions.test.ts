import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { eventually } from "../support/eventually.ts";
import { liveClicks } from "../support/live-clicks.ts";
import { booksOf } from "../support/service-books.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const env = { CLICKTALLY_QUEUE_PARTITIONS: "3", CLICKTALLY_WATERMARK_IDLE_LAG: "2s" };
const clickCount = 6_000;
const batchSize = 300;

describe("a service with three partitions", () => {
  it("counts what was sent, also after kill -9 and when all is sent again, and moves on in silence", async () => {
    await using directory = await temporaryDirectory();
    const endMs = Date.now();
    const sent = liveClicks(3, {
      count: clickCount,
      duplicateShare: 0.1,
      shuffledOverMs: 5_000,
      endMs,
      spanMs: 30_000,
    });
    const distinct = new Map(sent.map((click) => [click["event_id"], click]));
    const expected = new Map<string, number>();
    for (const { ad_id } of distinct.values())
      expected.set(String(ad_id), (expected.get(String(ad_id)) ?? 0) + 1);
    const range = `from=${endMs - 600_000}&to=${endMs + 3_600_000}`;
    const sendAll = async (service: ServiceProcess): Promise<void> => {
      for (let at = 0; at < sent.length; at += batchSize) {
        const lines = sent.slice(at, at + batchSize).map((click) => JSON.stringify(click));
        assert.equal((await service.post("/v1/clicks", lines.join("\n"))).status, 200);
      }
    };

    const first = await ServiceProcess.start({ dataDir: directory.path, env });
    try {
      await sendAll(first);
      const books = await booksOf(first, range);
      assert.deepEqual(
        books.ads,
        new Map([...expected].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))),
      );
      assert.equal(books.counted, distinct.size);
      assert.equal(books.duplicates, sent.length - distinct.size);
    } finally {
      await first.kill();
    }

    await using second = await ServiceProcess.start({ dataDir: directory.path, env });
    assert.deepEqual(await booksOf(second, range).then(({ counted }) => counted), distinct.size);
    await sendAll(second);
    const books = await booksOf(second, range);
    assert.deepEqual([...books.ads].toSorted(), [...expected].toSorted());
    assert.equal(books.counted, distinct.size);
    assert.equal(books.duplicates, 2 * sent.length - distinct.size);
    // Only one partition gets this; the others must not hold up what is final.
    const lastMs = Date.now();
    const last = { ad_id: "ad-0", click_timestamp: lastMs, event_id: "the-last" };
    await second.post("/v1/clicks", JSON.stringify(last));
    await eventually("the lowest watermark has passed the last click", async () => {
      const { watermark } = await second.get<{ watermark: string }>("/v1/status");
      return Date.parse(watermark) > lastMs ? true : undefined;
    });
  });
});
