import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HttpSide } from "./harness.ts";
import { startHttpSide } from "./harness.ts";

const shop = "https://shop.example";

async function preflight(side: HttpSide, path: string, origin: string): Promise<Response> {
  const headers = {
    origin,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type",
  };
  return await fetch(side.url + path, { method: "OPTIONS", headers });
}

describe("a page of another origin", () => {
  it("may send clicks where its origin is named, with a key, and read when to send again", async () => {
    await using side = await startHttpSide({ "cors.origins": `${shop},https://app.example` });
    const asked = await preflight(side, "/v1/clicks", shop);
    assert.equal(asked.status, 204);
    assert.equal(asked.headers.get("access-control-allow-origin"), shop);
    assert.match(asked.headers.get("access-control-allow-headers")!, /authorization/);
    assert.equal(asked.headers.get("access-control-allow-credentials"), null);
    assert.equal(asked.headers.get("vary"), "origin");
    const sent = await fetch(`${side.url}/v1/clicks`, {
      method: "POST",
      body: "",
      headers: { origin: shop, "content-type": "application/json" },
    });
    assert.equal(sent.headers.get("access-control-allow-origin"), shop);
    assert.match(sent.headers.get("access-control-expose-headers")!, /Retry-After/);
    await sent.text();
  });

  it("may not where it is another, and may ask nothing and change nothing in any case", async () => {
    await using side = await startHttpSide({ "cors.origins": shop });
    const other = await preflight(side, "/v1/clicks", "https://shop.example.evil.example");
    assert.equal(other.headers.get("access-control-allow-origin"), null);
    await using wide = await startHttpSide({ "cors.origins": "*" });
    const any = await preflight(wide, "/v1/clicks", "https://any.example");
    assert.equal(any.headers.get("access-control-allow-origin"), "https://any.example");
    for (const path of ["/v1/admin/erase", "/v1/breakdown", "/v1/admin/import"]) {
      const answer = await preflight(wide, path, shop);
      assert.equal(answer.status, 405, path);
      assert.equal(answer.headers.get("access-control-allow-origin"), null, path);
      await answer.text();
    }
    const read = await fetch(`${wide.url}/v1/dimensions`, { headers: { origin: shop } });
    assert.equal(read.headers.get("access-control-allow-origin"), null);
    await read.text();
  });

  it("may nothing where no origin is named", async () => {
    await using side = await startHttpSide();
    const asked = await preflight(side, "/v1/clicks", shop);
    assert.deepEqual([asked.status, asked.headers.get("access-control-allow-origin")], [405, null]);
  });
});

describe("an answer that a browser opens as a page", () => {
  for (const path of ["/v1/dimensions", "/nothing", "/healthz", "/openapi.json"]) {
    it(`runs nothing and is in no frame: ${path}`, async () => {
      await using side = await startHttpSide();
      const { headers, body } = await fetch(side.url + path);
      await body?.cancel();
      assert.match(headers.get("content-security-policy")!, /default-src 'none'/);
      assert.match(headers.get("content-security-policy")!, /frame-ancestors 'none'/);
      assert.equal(headers.get("x-content-type-options"), "nosniff");
      assert.equal(headers.get("referrer-policy"), "no-referrer");
      // Without TLS a browser would not believe it.
      assert.equal(headers.get("strict-transport-security"), null);
    });
  }
});
