import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { setTimeout as timeout } from "node:timers/promises";
import type { LiveFeedOptions } from "../../src/api/live-feed.ts";
import { LiveFeed } from "../../src/api/live-feed.ts";
import { LiveStreams } from "../../src/api/live-streams.ts";
import { CodedError } from "../../src/model/errors.ts";
import type { StatusAnswer, TopAnswer } from "../../src/query/query-service.ts";
import { eventually } from "../support/eventually.ts";
import { startHttpSide } from "./harness.ts";

/** A query side that counts how often it is asked, and tells of as many clicks as the test says. */
class CountedQueries {
  statusAsked = 0;
  topAsked = 0;
  received = 0;
  asOf = 1;
  problem: CodedError | undefined;
  /** Characters in an ad's id. */
  idLength = 1;

  readonly service: LiveFeedOptions["query"] = {
    status: async () => {
      this.statusAsked++;
      if (this.problem) throw this.problem;
      return { as_of: this.asOf, totals: { received: this.received } } as StatusAnswer;
    },
    top: async ({ window }) => {
      this.topAsked++;
      if (window === "never") throw new CodedError("invalid_parameter", "window: no window");
      const ads = [{ rank: 1, ad_id: "x".repeat(this.idLength), count: this.received }];
      return { as_of: this.asOf, from: window, ads } as unknown as TopAnswer;
    },
  };
}

const everyMs = 5;

/** Data of an event of the type. */
function dataOf(event: string, type = "live"): Readonly<Record<string, unknown>> {
  const match = /^event: (\w+)\ndata: (.*)\n\n$/.exec(event);
  assert.equal(match?.[1], type);
  return JSON.parse(match![2]!) as Readonly<Record<string, unknown>>;
}

describe("the live feed", () => {
  it("asks once for all who ask the same, and only again for the ranking where a commit has come", async () => {
    const queries = new CountedQueries();
    const feed = new LiveFeed({ query: queries.service, everyMs });
    const leaving = new AbortController();
    const told: string[][] = [[], [], []];
    for (const events of told) await feed.listen({}, (event) => events.push(event), leaving.signal);
    const asked = [queries.statusAsked, queries.topAsked];
    await eventually("all are told some times", () => told[2]!.length >= 5 || undefined);
    leaving.abort();
    const rounds = told[0]!.length;
    assert.ok(queries.statusAsked - asked[0]! <= rounds + 1, `${queries.statusAsked} times asked`);
    assert.equal(queries.topAsked, asked[1]!);
    assert.deepEqual(told[1], told[0]);
    queries.asOf++;
    await feed.listen({}, () => {}, AbortSignal.timeout(1));
    assert.equal(queries.topAsked, asked[1]! + 1);
  });

  it("computes long rankings more rarely, and holds back nobody else with them", async () => {
    const queries = new CountedQueries();
    const top = queries.service.top;
    const longMs = 150;
    let longAsked = 0;
    const query = {
      ...queries.service,
      top: async (request: Parameters<typeof top>[0]) => {
        queries.asOf++;
        if (request.window !== "400d") return await top(request);
        longAsked++;
        await timeout(longMs);
        return await top(request);
      },
    };
    const feed = new LiveFeed({ query, everyMs });
    const leaving = new AbortController();
    let [short, long] = [0, 0];
    await feed.listen({ window: "400d" }, () => long++, leaving.signal);
    await feed.listen({ window: "5m" }, () => short++, leaving.signal);
    const startMs = performance.now();
    await eventually("the long one is computed again", () => longAsked >= 2 || undefined);
    const restedMs = performance.now() - startMs;
    await eventually("the long one is told again", () => long > 20 || undefined);
    leaving.abort();
    assert.ok(restedMs > 10 * longMs, `again after ${restedMs} ms`);
    assert.ok(
      short >= long - 1 && short > 20,
      `${short} of the short one, ${long} of the long one`,
    );
  });

  it("rests where nobody listens", async () => {
    const queries = new CountedQueries();
    const feed = new LiveFeed({ query: queries.service, everyMs });
    const leaving = new AbortController();
    let told = 0;
    await feed.listen({}, () => told++, leaving.signal);
    await eventually("it is told", () => told > 2 || undefined);
    leaving.abort();
    const asked = queries.statusAsked;
    // Another feed of the same pace shows how much time has gone.
    const other = new LiveFeed({ query: new CountedQueries().service, everyMs });
    let beats = 0;
    const enough = new AbortController();
    await other.listen({}, () => beats++, enough.signal);
    await eventually("time goes by", () => beats >= 10 || undefined);
    enough.abort();
    assert.ok(queries.statusAsked <= asked + 1, `${queries.statusAsked - asked} times asked`);
  });

  it("tells the rate between its looks, which the first one can't", async () => {
    const queries = new CountedQueries();
    const feed = new LiveFeed({ query: queries.service, everyMs: 20 });
    const leaving = new AbortController();
    const rates: unknown[] = [];
    const note = (event: string): void => {
      rates.push(dataOf(event)["clicks_a_second"]);
      queries.received += 10;
    };
    note(await feed.listen({}, note, leaving.signal));
    await eventually("some rates", () => rates.length >= 4 || undefined);
    leaving.abort();
    assert.equal(rates[0], null);
    for (const rate of rates.slice(1))
      assert.ok(Number(rate) > 0 && Number(rate) <= 1_000, `${rate}`);
  });

  it("answers so many different questions at a time", async () => {
    const queries = new CountedQueries();
    const feed = new LiveFeed({ query: queries.service, everyMs, topicsMax: 2 });
    const leaving = [new AbortController(), new AbortController()] as const;
    const ask = (window: string, at = 0) => feed.listen({ window }, () => {}, leaving[at]!.signal);
    await ask("5m");
    await ask("10m", 1);
    await assert.rejects(ask("15m"), { code: "overloaded" });
    await ask("10m");
    // One of two that ask the same is not enough to make room.
    leaving[1].abort();
    await assert.rejects(ask("15m"), { code: "overloaded" });
    leaving[0].abort();
    const last = new AbortController();
    await feed.listen({ window: "15m" }, () => {}, last.signal);
    last.abort();
  });

  it("refuses what is wrong with a question, and forgets it", async () => {
    const queries = new CountedQueries();
    const feed = new LiveFeed({ query: queries.service, everyMs, topicsMax: 1 });
    const leaving = new AbortController();
    const ask = (window: string) => feed.listen({ window }, () => {}, leaving.signal);
    await assert.rejects(ask("never"), { code: "invalid_parameter" });
    await ask("5m");
    leaving.abort();
  });

  it("tells why there is no answer, and goes on when there is one again", async () => {
    const queries = new CountedQueries();
    const feed = new LiveFeed({ query: queries.service, everyMs });
    const leaving = new AbortController();
    const told: string[] = [];
    await feed.listen({}, (event) => told.push(event), leaving.signal);
    queries.problem = new CodedError("store_unavailable", "the store is away");
    const problem = await eventually("a problem is told", () =>
      told.find((event) => event.startsWith("event: problem")),
    );
    assert.equal(dataOf(problem, "problem")["code"], "store_unavailable");
    queries.problem = undefined;
    told.length = 0;
    await eventually("it goes on", () => told.find((event) => event.startsWith("event: live")));
    leaving.abort();
  });
});

describe("live streams", () => {
  it("are so many at most, and leave their places when they end", async () => {
    const feed = new LiveFeed({ query: new CountedQueries().service, everyMs });
    const streams = new LiveStreams(feed, 2);
    const first = await streams.start({});
    const second = await streams.start({});
    await assert.rejects(streams.start({}), { code: "overloaded" });
    await assert.rejects(new LiveStreams(feed, 1).start({ window: "never" }), {
      code: "invalid_parameter",
    });
    first.destroy();
    await once(first, "close");
    const third = await streams.start({});
    streams.close();
    for (const stream of [second, third]) {
      stream.resume();
      await once(stream, "end");
    }
  });

  it("tell a slow reader the newest and not all between", async () => {
    const queries = new CountedQueries();
    queries.idLength = 50_000;
    const feed = new LiveFeed({ query: queries.service, everyMs: 1 });
    const stream = await new LiveStreams(feed).start({});
    const leaving = new AbortController();
    let rounds = 0;
    await feed.listen({}, () => (queries.received = ++rounds), leaving.signal);
    await eventually("much has been told", () => rounds >= 200 || undefined);
    assert.ok(stream.readableLength < 200_000, `${stream.readableLength} characters wait`);
    let newest = 0;
    stream.setEncoding("utf8").on("data", (text: string) => {
      newest = Number(/"received":(\d+)/.exec(text)?.[1] ?? newest);
    });
    await eventually("it is told the newest", () => newest >= 199 || undefined);
    leaving.abort();
    stream.destroy();
  });

  it("end when their reader goes, and ask for nothing more", async () => {
    const queries = new CountedQueries();
    await using side = await startHttpSide({}, { query: queries.service });
    const { hostname, port } = new URL(side.url);
    const socket = connect(Number(port), hostname);
    socket.write("GET /v1/live HTTP/1.1\r\nHost: x\r\n\r\n");
    await once(socket, "data");
    socket.destroy();
    let [before, still] = [-1, 0];
    await eventually("nothing more is asked", async () => {
      still = queries.statusAsked === before ? still + 1 : 0;
      before = queries.statusAsked;
      return still > 80 ? true : undefined;
    });
  });
});
