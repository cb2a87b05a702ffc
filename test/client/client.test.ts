import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ServiceError } from "../../src/client/client.ts";
import { RunningService, newAd } from "../api/running-service.ts";
import { CuttingProxy } from "../support/cutting-proxy.ts";
import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { FaultyProxy, ToldClient } from "./sender-side.ts";

let service: RunningService;
before(async () => {
  service = await RunningService.start();
});
after(() => service[Symbol.asyncDispose]());

interface Outcomes {
  readonly counted: number;
  readonly duplicate: number;
}

/** Of the ad's clicks, with what has come before. */
async function outcomesOf(ad: string, url = service.url): Promise<Outcomes> {
  const answer = await fetch(`${url}/v1/ads/${ad}/explain?window=60&limit=1`);
  return ((await answer.json()) as { readonly outcomes: Outcomes }).outcomes;
}

describe("the client", () => {
  it("sends clicks in batches, stamped once, and asks for what they come to", async () => {
    const ad = newAd();
    await using proxy = await FaultyProxy.start(service.url);
    await using told = new ToldClient({ url: proxy.url });
    const { client } = told;
    const ids = Array.from({ length: 250 }, (_, i) =>
      client.click({ ad_id: ad, country: i % 2 === 0 ? "DE" : "FR", user_id: `u${i}` }),
    );
    assert.equal(new Set(ids).size, 250);
    for (const id of ids)
      assert.match(id, /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    await client.flush();
    assert.deepEqual(
      proxy.requests.map(({ body }) => body.trim().split("\n").length),
      [100, 100, 50],
    );
    await service.assertLives();
    const count = await client.count(ad, { window: "60m", filter: "country==DE" });
    assert.deepEqual(
      [count.count, count.status, count.filter],
      [125, "provisional", "country==DE"],
    );
    const top = await client.top({ topN: 1, window: 60 });
    assert.deepEqual(top.ads, [{ rank: 1, ad_id: ad, count: 250 }]);
    const table = await client.breakdown({
      by: ["ad_id", "country"],
      filter: `ad_id==${ad}`,
      window: 60,
    });
    assert.deepEqual(table.rows, [
      { ad_id: ad, country: "DE", count: 125 },
      { ad_id: ad, country: "FR", count: 125 },
    ]);
    assert.deepEqual([told.rejected, told.lost, told.retries], [[], [], []]);
  });

  it("takes an id and a time that are given", async () => {
    const ad = newAd();
    await using told = new ToldClient({ url: service.url });
    const click = { ad_id: ad, event_id: "own", click_timestamp: new Date().toISOString() };
    assert.equal(told.client.click(click), "own");
    assert.equal(told.client.click(click), "own");
    await told.client.flush();
    await service.assertLives();
    const { counted, duplicate } = await outcomesOf(ad);
    assert.deepEqual([counted, duplicate], [1, 1]);
  });

  it("tells each click that is refused, and why, and loses none beside it", async () => {
    const ad = newAd();
    await using told = new ToldClient({ url: service.url });
    const { client } = told;
    const bad = client.click({ ad_id: ad, country: "Germany" });
    client.click({ ad_id: ad });
    const empty = client.click({ ad_id: "" });
    await client.flush();
    assert.deepEqual(
      told.rejected.map(({ click, error }) => [click.event_id, error.field, error.code]),
      [
        [bad, "country", "invalid_country"],
        [empty, "ad_id", "empty_field"],
      ],
    );
    await service.assertLives();
    assert.equal((await outcomesOf(ad)).counted, 1);
  });

  it("tells of every one where a whole batch is refused", async () => {
    await using told = new ToldClient({ url: service.url });
    for (let i = 0; i < 150; i++) told.client.click({ ad_id: "" });
    await told.client.flush();
    assert.equal(told.rejected.length, 150);
  });

  it("sends smaller batches where they are too large, and tells the click that alone is", async () => {
    const ad = newAd();
    await using small = await RunningService.start({ "limits.body_bytes": "2KB" });
    await using told = new ToldClient({ url: small.url });
    for (let i = 0; i < 60; i++) told.client.click({ ad_id: ad, user_id: "u".repeat(200) });
    const large = told.client.click({ ad_id: ad, note: "x".repeat(5_000) });
    await told.client.flush();
    assert.deepEqual(
      told.rejected.map(({ click, error }) => [click.event_id, error.code]),
      [[large, "body_too_large"]],
    );
    await small.assertLives();
    assert.equal((await outcomesOf(ad, small.url)).counted, 60);
  });

  it("sends the same again while it is refused for now, not before it was asked to", async () => {
    const ad = newAd();
    await using proxy = await FaultyProxy.start(service.url);
    proxy.faults.push({ status: 503, retryAfter: "1" }, { status: 429, retryAfter: "1" }, "lost", {
      status: 502,
    });
    await using told = new ToldClient({ url: proxy.url });
    told.client.click({ ad_id: ad });
    await told.client.flush();
    const [first, second, third] = proxy.requests.map(({ atMs }) => atMs);
    assert.ok(second! - first! >= 1_000 && third! - second! >= 1_000);
    assert.equal(new Set(proxy.requests.map(({ body }) => body)).size, 1);
    assert.deepEqual(
      told.retries.map(({ status }) => status),
      [503, 429, undefined, 502],
    );
    await service.assertLives();
    const { counted, duplicate } = await outcomesOf(ad);
    assert.deepEqual([counted, duplicate, told.lost.length], [1, 1, 0]);
  });

  it("tells what has no room, and what is left at the end", async () => {
    await using proxy = await FaultyProxy.start(service.url);
    proxy.faults.push({ status: 503, retryAfter: "60" });
    await using told = new ToldClient({ url: proxy.url, bufferClicks: 2, closeMs: 50 });
    const ids = [1, 2, 3].map(() => told.client.click({ ad_id: newAd() }));
    await eventually("it was refused", () => (told.retries.length === 1 ? true : undefined));
    await told.client.close();
    const late = told.client.click({ ad_id: newAd() });
    assert.deepEqual(
      told.lost.map(({ click, reason }) => [click.event_id, reason]),
      [
        [ids[2], "buffer_full"],
        [ids[0], "closed"],
        [ids[1], "closed"],
        [late, "closed"],
      ],
    );
  });

  it("goes on trying where its key is wrong or nobody is there, and says so", async () => {
    await using proxy = await FaultyProxy.start(service.url);
    proxy.faults.push({ status: 401 });
    await using told = new ToldClient({ url: proxy.url });
    told.client.click({ ad_id: newAd() });
    await told.client.flush();
    assert.deepEqual(
      told.retries.map(({ status }) => status),
      [401],
    );
  });

  it("throws the service's own code where a question is wrong", async () => {
    await using told = new ToldClient({ url: service.url });
    await assert.rejects(told.client.count("a", { filter: "nosuch==1", window: 60 }), (error) => {
      assert.ok(error instanceof ServiceError);
      assert.deepEqual([error.status, error.code], [400, "unknown_dimension"]);
      return true;
    });
    await using nobody = new ToldClient({ url: "http://127.0.0.1:1" });
    await assert.rejects(nobody.client.top({ window: 60 }), {
      name: "ServiceError",
      status: undefined,
    });
  });
});

describe("a stream of the client's", () => {
  it("is counted once each where connections break in requests and answers", async () => {
    const ad = newAd();
    const port = Number(new URL(service.url).port);
    let connections = 0;
    const cutAfter = (): number => [9_000, 14_000, 400_000][connections++ % 3]!;
    await using proxy = await CuttingProxy.start(port, cutAfter);
    await using told = new ToldClient({ url: proxy.url });
    for (let i = 0; i < 1_000; i++) told.client.click({ ad_id: ad, user_id: `u${i}` });
    await told.client.flush();
    assert.ok(proxy.cuts >= 2);
    await service.assertLives();
    assert.deepEqual([(await outcomesOf(ad)).counted, told.lost.length], [1_000, 0]);
  });

  it("is counted once each through the death of the service", async () => {
    const ad = newAd();
    await using directory = await temporaryDirectory();
    const options = { dataDir: directory.path };
    await using first = await ServiceProcess.start(options);
    await using told = new ToldClient({ url: first.url });
    const { client } = told;
    const send = (count: number): void => {
      for (let i = 0; i < count; i++) client.click({ ad_id: ad });
    };
    send(500);
    await eventually("some are there", async () =>
      (await client.count(ad, { window: 60 })).count > 0 ? true : undefined,
    );
    send(1_000);
    await first.kill();
    send(500);
    await eventually("it has noticed", () => (told.retries.length > 0 ? true : undefined));
    const port = Number(new URL(first.url).port);
    await using second = await ServiceProcess.start({ ...options, port });
    send(500);
    await client.flush();
    await second.caughtUp();
    assert.equal((await outcomesOf(ad, second.url)).counted, 2_500);
    assert.deepEqual([told.lost, told.rejected], [[], []]);
  });
});
