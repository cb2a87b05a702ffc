import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { CodedError } from "../../src/model/errors.ts";
import type { LinkContent } from "../../src/tracker/write-link.ts";
import { writeLink } from "../../src/tracker/write-link.ts";
import { eventually } from "../support/eventually.ts";
import type { HttpSide } from "./harness.ts";
import { problemOf, startHttpSide } from "./harness.ts";
import type { Json } from "./running-service.ts";
import { RunningService, newAd } from "./running-service.ts";

const secret = "a secret of tests, long enough to be one".replaceAll(/[ ,]+/g, "-");
const oldSecret = "an old secret of tests, and as long as it".replaceAll(/[ ,]+/g, "-");
const target = "https://shop.example/landing?q=1#part";
const hourMs = 3_600_000;

let service: RunningService;
before(async () => {
  service = await RunningService.start({ "tracker.secrets": `${secret},${oldSecret}` });
});
after(() => service[Symbol.asyncDispose]());

function linkFor(adId: string, content: Partial<LinkContent> = {}, signer = secret): string {
  return writeLink({ adId, fields: {}, ...content }, service.url, signer);
}

function follow(link: string, init: RequestInit = {}): Promise<Response> {
  return fetch(link, { redirect: "manual", ...init });
}

interface Explained {
  readonly count: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly clicks: readonly {
    readonly event_id: string;
    readonly source: string;
    readonly dimensions: Json;
  }[];
}

/** Once the ad has so many clicks, of whatever outcome; an ad of its own shows that nothing else comes. */
async function clicksOf(ad: string, count: number, of = service): Promise<Explained> {
  await of.assertLives();
  return await eventually(`${ad} has ${count} clicks`, async () => {
    const { body } = await of.get(`/v1/ads/${ad}/explain?window=5`);
    const explained = body as unknown as Explained;
    return explained.clicks.length === count ? explained : undefined;
  });
}

describe("a tracked link", () => {
  it("leads on once its click is durable, which counts with what the link and the request say", async () => {
    const ad = newAd();
    const answer = await follow(
      linkFor(ad, { to: target, fields: { user_id: "u1", country: "DE" } }),
    );
    assert.equal(answer.status, 302);
    assert.equal(answer.headers.get("location"), target);
    assert.equal(answer.headers.get("cache-control"), "no-store");
    assert.equal(answer.headers.get("referrer-policy"), "strict-origin");
    const { count, clicks } = await clicksOf(ad, 1);
    assert.equal(count, 1);
    assert.equal(clicks[0]!.source, "tracker");
    assert.match(clicks[0]!.event_id, /^[\da-f]{8}-/);
    const expected = { country: "DE", device: null, user_id: "u1", ip: "127.0.0.1" };
    assert.deepEqual(clicks[0]!.dimensions, expected);
  });

  it("counts every time it is followed", async () => {
    const ad = newAd();
    const link = linkFor(ad, { to: target });
    for (let i = 0; i < 3; i++) assert.equal((await follow(link)).status, 302);
    const { count, clicks } = await clicksOf(ad, 3);
    assert.equal(count, 3);
    assert.equal(new Set(clicks.map(({ event_id }) => event_id)).size, 3);
  });

  it("with an id of its own leads on every time, and counts once", async () => {
    const ad = newAd();
    const once = { to: target, eventId: "once-1", expiresAtMs: Date.now() + hourMs };
    for (let i = 0; i < 3; i++) assert.equal((await follow(linkFor(ad, once))).status, 302);
    const { count, outcomes } = await clicksOf(ad, 3);
    assert.deepEqual([count, outcomes["counted"], outcomes["duplicate"]], [1, 1, 2]);
  });

  it("of an older secret is good as long as that is listed", async () => {
    const ad = newAd();
    assert.equal((await follow(linkFor(ad, { to: target }, oldSecret))).status, 302);
    const gone = await follow(linkFor(ad, { to: target }, "x".repeat(32)));
    assert.equal((await problemOf(gone)).code, "link_invalid");
    assert.equal((await clicksOf(ad, 1)).count, 1);
  });

  it("is refused, and counts nothing, where it is forged, expired or leads elsewhere", async () => {
    const ad = newAd();
    const link = linkFor(ad, { to: target, fields: { user_id: "u1" } });
    const refused: readonly (readonly [what: string, link: string, status: number])[] = [
      ["another target", link.replace("shop.example", "evil.example"), 403],
      ["another field", link.replace("u1", "u2"), 403],
      ["another ad", link.replace(`/c/${ad}`, "/c/other"), 403],
      ["no signature", link.replace(/&sig=.*/, ""), 403],
      ["nothing at all", `${service.url}/c/${ad}?to=${encodeURIComponent(target)}`, 403],
      ["one more parameter", `${link}&fbclid=x`, 403],
      ["a second target", `${link}&to=https%3A%2F%2Fevil.example`, 403],
      ["its time over", linkFor(ad, { to: target, expiresAtMs: Date.now() - 1_000 }), 410],
      ["a script for a target", linkFor(ad, { to: "javascript:alert(1)" }), 400],
      ["an id and no end", linkFor(ad, { to: target, eventId: "x" }), 403],
    ];
    for (const [what, wrong, status] of refused) {
      const answer = await follow(wrong);
      assert.equal(answer.status, status, what);
      assert.equal(answer.headers.get("location"), null);
      assert.equal(answer.headers.get("cache-control"), "no-store");
      await problemOf(answer);
    }
    assert.equal((await clicksOf(ad, 0)).count, 0);
  });

  it("is not counted where it is only looked at ahead", async () => {
    const ad = newAd();
    const link = linkFor(ad, { to: target });
    const looks: readonly RequestInit[] = [
      { method: "HEAD" },
      { headers: { Purpose: "prefetch" } },
      { headers: { "X-Purpose": "preview" } },
      { headers: { "X-Moz": "prefetch" } },
    ];
    for (const look of looks) {
      const answer = await follow(link, look);
      assert.deepEqual([answer.status, answer.headers.get("location")], [302, target]);
    }
    // What a browser would keep, and not ask for again.
    for (const purpose of ["prefetch", "prefetch;prerender"]) {
      const answer = await follow(link, { headers: { "Sec-Purpose": purpose } });
      assert.deepEqual([answer.status, answer.headers.get("location")], [403, null]);
      assert.equal((await problemOf(answer)).code, "link_ahead");
    }
    assert.equal((await clicksOf(ad, 0)).count, 0);
    assert.equal((await follow(link, { headers: { Purpose: "none" } })).status, 302);
    assert.equal((await clicksOf(ad, 1)).count, 1);
  });

  it("whose click breaks a rule leads on, and the click is in the ledger as invalid", async () => {
    const ad = newAd();
    const invalid = async (): Promise<number> => {
      const ledger = await service.get("/v1/ledger?window=5");
      const rows = ledger.body["rows"] as { source: string; invalid: number }[];
      return rows
        .filter(({ source }) => source === "tracker")
        .reduce((sum, row) => sum + row.invalid, 0);
    };
    const invalidBefore = await invalid();
    const answer = await follow(linkFor(ad, { to: target, fields: { country: "Germany" } }));
    assert.equal(answer.status, 302);
    await eventually("the ledger tells", async () =>
      (await invalid()) === invalidBefore + 1 ? true : undefined,
    );
    assert.equal((await clicksOf(ad, 0)).count, 0);
  });

  it("believes what a trusted proxy says, and a click that it passes on twice is one", async () => {
    const ad = newAd();
    await using behind = await RunningService.start({
      "tracker.secrets": secret,
      "tracker.headers": "{ country: CF-IPCountry, device: X-Device, event_id: X-Request-Id }",
      trusted_proxies: "127.0.0.1",
    });
    const link = linkFor(ad, { to: target }).replace(service.url, behind.url);
    const headers = {
      "X-Forwarded-For": "203.0.113.9",
      "CF-IPCountry": "fr",
      "X-Device": "tv",
      "X-Request-Id": "request-1",
    };
    for (let i = 0; i < 2; i++) assert.equal((await follow(link, { headers })).status, 302);
    const { count, clicks } = await clicksOf(ad, 2, behind);
    assert.equal(count, 1);
    for (const { event_id, dimensions } of clicks) {
      assert.equal(event_id, "request-1");
      const expected = { ip: "203.0.113.9", country: "FR", device: "tv", user_id: null };
      assert.deepEqual(dimensions, expected);
    }
  });

  it("takes nobody else's word for where they come from", async () => {
    const ad = newAd();
    await using behind = await RunningService.start({
      "tracker.secrets": secret,
      "tracker.headers": "{ country: CF-IPCountry, event_id: X-Request-Id }",
      trusted_proxies: "192.0.2.1, 10.0.0.0/8",
    });
    const headers = {
      "X-Forwarded-For": "203.0.113.9",
      "CF-IPCountry": "FR",
      "X-Request-Id": "request-1",
    };
    const link = linkFor(ad, { to: target }).replace(service.url, behind.url);
    assert.equal((await follow(link, { headers })).status, 302);
    const { dimensions, event_id } = (await clicksOf(ad, 1, behind)).clicks[0]!;
    assert.deepEqual([dimensions["ip"], dimensions["country"]], ["127.0.0.1", null]);
    assert.notEqual(event_id, "request-1");
  });
});

describe("a tracked pixel", () => {
  it("is an image that counts, also of an ad that is called like one", async () => {
    for (const ad of [newAd(), `${newAd()}.gif`]) {
      const answer = await follow(linkFor(ad, { fields: { device: "tv" } }));
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("content-type"), "image/gif");
      assert.equal(answer.headers.get("cache-control"), "no-store");
      const bytes = Buffer.from(await answer.arrayBuffer());
      assert.deepEqual([bytes.toString("latin1", 0, 6), bytes.readUInt16LE(6)], ["GIF89a", 1]);
      const { clicks } = await clicksOf(ad, 1);
      assert.equal(clicks[0]!.dimensions["device"], "tv");
    }
    const link = linkFor(`${newAd()}.gif`, { to: target });
    assert.equal((await follow(link)).status, 302);
  });
});

describe("a tracked beacon", () => {
  const send = (link: string, body?: string | URLSearchParams): Promise<Response> =>
    fetch(link, { method: "POST", ...(body !== undefined && { body }) });

  it("counts with its parameters in the query or in the body", async () => {
    const ad = newAd();
    const link = linkFor(ad, { fields: { device: "tv" } });
    const [address = "", query = ""] = link.split("?");
    const plain = address.replace(/\.gif$/, "");
    const [first = "", ...others] = query.split("&");
    const sent = [
      await send(link),
      await send(`${plain}?${query}`, ""),
      await send(plain, query),
      await send(plain, new URLSearchParams(query)),
      await send(`${plain}?${first}`, others.join("&")),
    ];
    for (const answer of sent) {
      assert.equal(answer.status, 200);
      assert.deepEqual(await answer.json(), { received: 1, accepted: 1 });
    }
    assert.equal((await clicksOf(ad, 5)).count, 5);
  });

  it("is refused where it is not signed so, is no text or is too long", async () => {
    const ad = newAd();
    const link = linkFor(ad);
    const unsigned = await send(link, "user_id=u1");
    assert.equal((await problemOf(unsigned)).code, "link_invalid");
    const json = await fetch(link, {
      method: "POST",
      body: "{}",
      headers: { "content-type": "application/json" },
    });
    assert.equal((await problemOf(json)).code, "unsupported_media_type");
    const long = await send(link, "x".repeat(20_000));
    assert.equal((await problemOf(long)).code, "body_too_large");
    assert.equal((await clicksOf(ad, 0)).count, 0);
  });
});

describe("the tracker", () => {
  it("is in the description of the API", async () => {
    const { body } = await service.get("/openapi.json");
    assert.deepEqual(Object.keys((body["paths"] as Json)["/c/{ad_id}"] as Json), ["get", "post"]);
  });

  it("is not there without a secret", async () => {
    await using side = await startHttpSide();
    const answer = await follow(linkFor("a", { to: target }).replace(service.url, side.url));
    assert.equal((await problemOf(answer)).code, "not_found");
  });
});

describe("a tracked link while its click can't be taken in", () => {
  const accept = async (): Promise<never> => {
    throw new CodedError("queue_full", "the queue is full");
  };
  const startFull = (onFailure: string, instead = accept): Promise<HttpSide> =>
    startHttpSide(
      { "tracker.secrets": secret, "tracker.on_failure": onFailure },
      { ingest: { accept: instead }, query: { status: notReady } },
    );
  const notReady = async (): Promise<never> => {
    throw new CodedError("not_ready", "recovering");
  };
  const linkOf = (side: HttpSide): string =>
    writeLink({ adId: "a", to: target, fields: {} }, side.url, secret);

  it("is refused for now, and says when to come again", async () => {
    await using side = await startFull("refuse");
    const answer = await follow(linkOf(side));
    assert.deepEqual(
      [answer.status, answer.headers.get("retry-after"), answer.headers.get("location")],
      [503, "10", null],
    );
    assert.equal((await problemOf(answer)).code, "queue_full");
    assert.equal(await uncounted(side), 0);
  });

  it("leads on uncounted where the settings say so, and a metric tells of it", async () => {
    await using side = await startFull("redirect");
    const answer = await follow(linkOf(side));
    assert.deepEqual([answer.status, answer.headers.get("location")], [302, target]);
    assert.equal(await uncounted(side), 1);
  });

  it("is refused by a process that takes no clicks, whatever the settings", async () => {
    await using side = await startFull("redirect", async () => {
      throw new CodedError("other_role", "ask another");
    });
    assert.equal((await follow(linkOf(side))).status, 421);
    assert.equal(await uncounted(side), 0);
  });

  async function uncounted(side: HttpSide): Promise<number> {
    const text = await (await fetch(`${side.url}/metrics`)).text();
    return Number(/^clicktally_tracker_uncounted_total (\d+)$/m.exec(text)?.[1]);
  }
});
