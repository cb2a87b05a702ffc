import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeSettings } from "../../src/config.ts";
import { fromFile, problemsOf } from "./settings-files.ts";

describe("a configuration with servers of others", () => {
  it("of a Kafka queue names its brokers, one by one", () => {
    const given = "queue: { kind: kafka, brokers: [a-1:9092, 10.0.0.1:9093], topic: clicks.v2 }";
    const { queue } = fromFile(given);
    assert.deepEqual(
      [queue.kind, queue.brokers, queue.topic, queue.replicas],
      ["kafka", ["a-1:9092", "10.0.0.1:9093"], "clicks.v2", 3],
    );
    const [none] = problemsOf(() => fromFile("queue: { kind: kafka }"));
    assert.match(none!, /queue\.brokers is \[\], expected at least one where queue\.kind is kafka/);
    const [nobody] = problemsOf(() => fromFile("queue: { security: SASL_SSL }"));
    assert.match(
      nobody!,
      /queue\.username is .*, expected a user where queue\.security is SASL_SSL/,
    );
    const wrong = problemsOf(() => fromFile("queue: { brokers: ['a:1', b], topic: 'a b' }"));
    assert.match(wrong[0]!, /queue\.brokers\[1\] is 'b', expected host:port/);
    assert.match(wrong[1]!, /queue\.topic is 'a b', expected a name/);
  });

  it("deals an ad's clicks over partitions that there are, of a log and a store that can", () => {
    const kafka = "kind: kafka, brokers: [a:1], partitions: 4";
    const store = "store: { kind: clickhouse, urls: ['http://a:1'] }";
    assert.equal(fromFile(`{ queue: { ${kafka}, spread: 4 }, ${store} }`).queue.spread, 4);
    const spread = "queue\\.spread is [0-9]+, expected";
    for (const [given, expected] of [
      ["queue: { partitions: 4, spread: 2 }", "1 where queue\\.kind is sqlite"],
      [`queue: { ${kafka}, spread: 2 }`, "1 where store\\.kind is duckdb"],
      [`{ queue: { ${kafka}, spread: 5 }, ${store} }`, "at most queue\\.partitions, which is 4"],
    ] as const) {
      const [problem] = problemsOf(() => fromFile(given));
      assert.match(problem!, new RegExp(`${spread} ${expected}`));
    }
    assert.equal(fromFile(`{ role: ingest, queue: { ${kafka}, spread: 2 } }`).queue.spread, 2);
  });

  it("of a ClickHouse store names its servers, and never shows the password", () => {
    const given =
      "store: { kind: clickhouse, urls: ['http://a-1:8123', 'https://[::1]:8443'], password: s3cret }";
    const { store } = fromFile(given);
    assert.deepEqual(
      [store.kind, store.urls, store.database, store.cluster, store.username, store.password],
      [
        "clickhouse",
        ["http://a-1:8123", "https://[::1]:8443"],
        "clicktally",
        "",
        "default",
        "s3cret",
      ],
    );
    assert.equal(fromFile("store: { cluster: tally }").store.cluster, "tally");
    const [none] = problemsOf(() => fromFile("store: { kind: clickhouse }"));
    assert.match(
      none!,
      /store\.urls is \[\], expected at least one where store\.kind is clickhouse/,
    );
    const wrong = problemsOf(() =>
      fromFile("store: { urls: ['a:1'], database: 'a-b', password: [s3cret] }"),
    );
    assert.match(wrong[0]!, /store\.urls\[0\] is 'a:1', expected http\(s\):\/\/host:port/);
    assert.match(wrong[1]!, /store\.database is 'a-b', expected a name/);
    assert.match(wrong[2]!, /store\.password is 'hidden', expected a text/);
    const shown = describeSettings({ env: { CLICKTALLY_STORE_PASSWORD: "s3cret" } });
    assert.ok(!JSON.stringify(shown).includes("s3cret"));
  });
});
