import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { KeyRing } from "../../src/access/key-ring.ts";
import { createKey } from "../../src/access/manage-keys.ts";
import { silentLog } from "../../src/logging/log.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { problemOf, startHttpSide } from "./harness.ts";

type Headers = Readonly<Record<string, string>>;

async function statusOf(url: string, headers: Headers = {}): Promise<number> {
  const response = await fetch(url, { headers });
  await response.text();
  return response.status;
}

/** Within one second or two, of which each may have some. */
async function burst(url: string, headers: Headers): Promise<number[]> {
  return await Promise.all(Array.from({ length: 12 }, () => statusOf(url, headers)));
}

describe("the requests of a second", () => {
  it("are so many with one key, and those beyond are told when to go on", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "keys.json");
    const make = (name: string) => createKey(path, { name, scopes: ["query"], nowMs: Date.now() });
    const [busy, calm] = [await make("busy"), await make("calm")];
    using keys = KeyRing.open(path, silentLog());
    const flags = { "limits.requests_a_second_key": "3" };
    await using side = await startHttpSide(flags, { keys });
    const url = `${side.url}/v1/dimensions`;
    const headers = { authorization: `Bearer ${busy}` };
    const first = await fetch(url, { headers });
    assert.equal(first.headers.get("ratelimit-limit"), "3");
    assert.equal(first.headers.get("ratelimit-remaining"), "2");
    assert.equal(first.headers.get("ratelimit-reset"), "1");
    await first.body?.cancel();
    const refused = await eventually("one is refused", async () => {
      const answer = await fetch(url, { headers });
      if (answer.status === 429) return answer;
      await answer.body?.cancel();
      return undefined;
    });
    assert.equal(refused.headers.get("retry-after"), "1");
    assert.equal(refused.headers.get("ratelimit-remaining"), "0");
    assert.equal((await problemOf(refused)).code, "rate_limited");
    assert.equal(await statusOf(url, { authorization: `Bearer ${calm}` }), 200);
    await eventually("the next second has come", async () =>
      (await statusOf(url, headers)) === 200 ? true : undefined,
    );
  });

  const limit = { "limits.requests_a_second_address": "3" };
  const from = (addresses: string): Headers => ({ "x-forwarded-for": addresses });

  it("are so many of one address, as a trusted proxy tells it, and of others as many", async () => {
    await using side = await startHttpSide({ ...limit, trusted_proxies: "127.0.0.0/8" });
    const url = `${side.url}/v1/dimensions`;
    assert.ok((await burst(url, from("203.0.113.7"))).includes(429));
    // What stands before the proxy's own word is anybody's.
    assert.ok((await burst(url, from("198.51.100.9, 203.0.113.7"))).includes(429));
    assert.equal(await statusOf(url, from("203.0.113.8")), 200);
    // A customer's whole network is one.
    const network = Array.from({ length: 12 }, (_, i) => from(`2001:db8:1:2::${i + 1}`));
    const answers = await Promise.all(network.map((headers) => statusOf(url, headers)));
    assert.ok(answers.includes(429));
    assert.equal(await statusOf(url, from("2001:db8:1:3::1")), 200);
    // Who asks how it is, is told; what is not there is counted like all else.
    assert.deepEqual(
      new Set(await burst(`${side.url}/readyz`, from("203.0.113.9"))),
      new Set([200]),
    );
    assert.ok((await burst(`${side.url}/nothing`, from("203.0.113.10"))).includes(429));
  });

  it("are not counted by what a peer says that is no trusted proxy", async () => {
    await using side = await startHttpSide({ ...limit, trusted_proxies: "10.0.0.0/8" });
    const answers = await burst(`${side.url}/v1/dimensions`, from("203.0.113.7"));
    assert.deepEqual(new Set(answers), new Set([200]));
  });

  it("are limited before keys are looked at, so that trying keys is slow", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "keys.json");
    await createKey(path, { name: "any", scopes: ["query"], nowMs: Date.now() });
    using keys = KeyRing.open(path, silentLog());
    const flags = { ...limit, trusted_proxies: "127.0.0.1" };
    await using side = await startHttpSide(flags, { keys });
    const headers = { ...from("203.0.113.7"), authorization: "Bearer ctk_wrong" };
    const answers = await burst(`${side.url}/v1/dimensions`, headers);
    assert.deepEqual(new Set(answers), new Set([401, 429]));
  });
});
