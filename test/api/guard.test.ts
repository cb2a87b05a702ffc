import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { KeyRing } from "../../src/access/key-ring.ts";
import { createKey } from "../../src/access/manage-keys.ts";
import type { Scope } from "../../src/access/scopes.ts";
import { silentLog } from "../../src/logging/log.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import type { HttpSide } from "./harness.ts";
import { problemOf, startHttpSide } from "./harness.ts";

/** What each route needs: who adds one says here what it is to be. */
const scopesOfRoutes: Readonly<Record<Scope | "none", readonly string[]>> = {
  none: [
    // A link that is followed has its signature.
    "GET /c/{ad_id}",
    "POST /c/{ad_id}",
    "GET /healthz",
    "GET /readyz",
    "GET /",
    "GET /docs",
    "GET /docs/json",
    "GET /openapi.json",
  ],
  ingest: ["POST /v1/clicks"],
  query: [
    "GET /metrics",
    "GET /v1/ads/popular_ads",
    "GET /v1/ads/{ad_id}",
    "GET /v1/ads/{ad_id}/aggregated_count",
    "GET /v1/ads/{ad_id}/explain",
    "GET /v1/breakdown",
    "GET /v1/changes",
    "GET /v1/closes",
    "GET /v1/dimensions",
    "GET /v1/ledger",
    "GET /v1/live",
    "GET /v1/quarantine",
    "GET /v1/restatements",
    "GET /v1/statement",
    "GET /v1/status",
    "GET /v1/top",
    "POST /v1/breakdown",
  ],
  admin: [
    "GET /v1/admin/operations/{id}",
    "POST /v1/admin/audit",
    "POST /v1/admin/backup",
    "POST /v1/admin/close",
    "POST /v1/admin/erase",
    "POST /v1/admin/export",
    "POST /v1/admin/import",
    "POST /v1/admin/recompute",
    "POST /v1/admin/release",
    "POST /v1/admin/void",
    "POST /v1/ads",
    "PUT /v1/ads/{ad_id}",
  ],
};

const held: Readonly<Record<string, readonly Scope[]>> = {
  web: ["ingest"],
  report: ["query"],
  ops: ["admin"],
};

describe("a service with API keys", () => {
  let side: HttpSide;
  let resources: AsyncDisposableStack;
  const keys: Record<string, string> = {};

  before(async () => {
    resources = new AsyncDisposableStack();
    const directory = resources.use(await temporaryDirectory());
    const path = join(directory.path, "keys.json");
    const nowMs = Date.now();
    for (const [name, scopes] of Object.entries(held))
      keys[name] = await createKey(path, { name, scopes, nowMs });
    const past = { name: "old", scopes: ["admin"], nowMs: nowMs - 10, lifetimeMs: 5 } as const;
    keys["old"] = await createKey(path, past);
    const ring = resources.use(KeyRing.open(path, silentLog()));
    side = resources.use(
      await startHttpSide({ "tracker.secrets": "s".repeat(40) }, { keys: ring }),
    );
  });
  after(() => resources.disposeAsync());

  const ask = async (route: string, authorization?: string): Promise<Response> => {
    const [method, path] = route.split(" ") as [string, string];
    return await fetch(`${side.url}${path.replace(/\{\w+\}/, "x")}`, {
      method,
      ...(authorization !== undefined && { headers: { authorization } }),
    });
  };

  it("lets every route's key in and no other, before anything of the request is looked at", async () => {
    for (const [asked, routes] of Object.entries(scopesOfRoutes)) {
      for (const route of routes) {
        const without = await ask(route);
        if (asked === "none") {
          assert.doesNotMatch(await without.text(), /"(?:key_\w+|scope_missing)"/, route);
          assert.notEqual(without.status, 401, route);
          continue;
        }
        assert.equal((await problemOf(without)).code, "key_missing", route);
        for (const [name, scopes] of Object.entries(held)) {
          const answer = await ask(route, `Bearer ${keys[name]}`);
          const mayAsk = scopes.includes(asked as Scope) || name === "ops";
          if (mayAsk) await answer.body?.cancel();
          else assert.equal((await problemOf(answer)).code, "scope_missing", `${name} ${route}`);
          assert.equal(answer.status === 403, !mayAsk, `${name} ${route}: ${answer.status}`);
          assert.notEqual(answer.status, 401, `${name} ${route}`);
        }
      }
    }
  });

  it("has said of every route that it describes what that needs", async () => {
    const document = (await (await fetch(`${side.url}/openapi.json`)).json()) as {
      readonly paths: Readonly<Record<string, object>>;
    };
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const known = new Set(Object.values(scopesOfRoutes).flat());
    assert.deepEqual(
      described.filter((route) => !known.has(route)),
      [],
    );
  });

  for (const [what, authorization, code, challenge] of [
    ["no key", undefined, "key_missing", 'Bearer realm="clicktally"'],
    ["a user and a password", "Basic YTpi", "key_missing", 'Bearer realm="clicktally"'],
    ["a key of nobody", "Bearer ctk_nobody", "key_wrong", /error="invalid_token"/],
    ["an empty key", "Bearer ", "key_missing", /^Bearer realm/],
    ["two keys", "Bearer a b", "key_missing", /^Bearer realm/],
  ] as const) {
    it(`answers 401 with what to show to ${what}`, async () => {
      const answer = await ask("GET /v1/status", authorization);
      assert.equal(answer.status, 401);
      assert.match(answer.headers.get("www-authenticate")!, new RegExp(challenge));
      assert.equal((await problemOf(answer)).code, code);
    });
  }

  it("says of a key that it has expired, and of one that is not for this what is missing", async () => {
    const old = await ask("GET /v1/status", `Bearer ${keys["old"]}`);
    assert.equal((await problemOf(old)).code, "key_expired");
    const web = await ask("GET /v1/status", `bearer ${keys["web"]}`);
    assert.equal(web.status, 403);
    assert.match(web.headers.get("www-authenticate")!, /error="insufficient_scope", scope="query"/);
    assert.equal((await problemOf(web))["scope"], "query");
  });

  it("says of what is not there that it is not there", async () => {
    assert.equal((await problemOf(await ask("GET /v1/nothing"))).code, "not_found");
    assert.equal((await problemOf(await ask("DELETE /v1/clicks"))).code, "method_not_allowed");
  });

  it("refuses a body without reading it, and goes on with who sent it", async () => {
    const body = JSON.stringify({ ad_id: "a" }).padEnd(1_000_000, " ");
    const answer = await fetch(`${side.url}/v1/clicks`, { method: "POST", body });
    assert.equal((await problemOf(answer)).code, "key_missing");
  });
});
