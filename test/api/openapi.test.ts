import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { HttpSide } from "./harness.ts";
import { startHttpSide } from "./harness.ts";

describe("the description of the API", () => {
  let side: HttpSide;
  before(async () => {
    side = await startHttpSide();
  });
  after(() => side[Symbol.asyncDispose]());

  it("is an OpenAPI 3.1 document that knows every route", async () => {
    interface Operation {
      readonly operationId: string;
      readonly summary: string;
      readonly responses: Readonly<Record<string, unknown>>;
    }
    const document = (await (await fetch(`${side.url}/openapi.json`)).json()) as {
      readonly openapi: string;
      readonly info: { readonly title: string };
      readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
    };
    assert.equal(document.openapi, "3.1.0");
    const routes = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    assert.deepEqual(routes.toSorted(), [
      "GET /healthz",
      "GET /metrics",
      "GET /readyz",
      "GET /v1/admin/operations/{id}",
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
      "POST /v1/breakdown",
      "POST /v1/clicks",
      "PUT /v1/ads/{ad_id}",
    ]);
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
    assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length);
    for (const { summary, responses } of operations) {
      assert.ok(summary);
      assert.ok("200" in responses);
    }
  });

  it("says of every route which key it needs, and what is answered without", async () => {
    interface Operation {
      readonly description?: string;
      readonly security: readonly Readonly<Record<string, readonly string[]>>[];
      readonly responses: Readonly<Record<string, unknown>>;
    }
    const document = (await (await fetch(`${side.url}/openapi.json`)).json()) as {
      readonly components: { readonly securitySchemes: Readonly<Record<string, unknown>> };
      readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
    };
    const { key } = document.components.securitySchemes as { key: Record<string, string> };
    assert.deepEqual([key["type"], key["scheme"]], ["http", "bearer"]);
    assert.deepEqual(document.paths["/readyz"]!["get"]!.security, []);
    const posting = document.paths["/v1/clicks"]!["post"]!;
    assert.deepEqual(posting.security, [{ key: ["ingest"] }]);
    assert.match(posting.description!, /scope `ingest`/);
    for (const [path, operations] of Object.entries(document.paths))
      for (const { security, responses } of Object.values(operations))
        assert.equal("401" in responses && "403" in responses, security.length > 0, path);
  });

  it("is shown by pages that load nothing from elsewhere", async () => {
    const page = await (await fetch(`${side.url}/docs`)).text();
    const sources = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]!);
    assert.ok(sources.length >= 4);
    for (const source of sources) {
      assert.doesNotMatch(source, /^(?:https?:)?\/\//);
      const response = await fetch(new URL(source, `${side.url}/docs/`));
      assert.equal(response.status, 200, source);
      await response.body?.cancel();
    }
    const initializer = await (
      await fetch(`${side.url}/docs/static/swagger-initializer.js`)
    ).text();
    assert.match(initializer, /validatorUrl: null/);
    assert.match(initializer, /url: resolveUrl\('\.\/json'\)/);
  });
});
