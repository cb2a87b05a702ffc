import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { HttpSide } from "./harness.ts";
import { json, problemOf, startHttpSide, talk } from "./harness.ts";

describe("a request that is refused before the service is asked", () => {
  let side: HttpSide;
  before(async () => {
    side = await startHttpSide({ "limits.body_bytes": "1MB" });
  });
  after(() => side[Symbol.asyncDispose]());

  const refused: readonly (readonly [
    what: string,
    method: string,
    path: string,
    init: RequestInit,
    expected: [number, string, string?],
  ])[] = [
    ["an unknown path", "GET", "/v1/nothing", {}, [404, "not_found"]],
    ["an unknown method", "DELETE", "/v1/ads/a", {}, [405, "method_not_allowed"]],
    ["an unknown query parameter", "GET", "/v1/top?topn=3", {}, [400, "invalid_parameter", "topn"]],
    [
      "a query parameter that comes twice",
      "GET",
      "/v1/top?topN=3&topN=4",
      {},
      [400, "invalid_parameter", "topN"],
    ],
    [
      "a query parameter where none is known",
      "GET",
      "/v1/status?x=1",
      {},
      [400, "invalid_parameter", "x"],
    ],
    ["a path that is no UTF-8", "GET", "/v1/ads/%FF", {}, [400, "invalid_parameter"]],
    [
      "an ad_id that is too long",
      "GET",
      `/v1/ads/${"%C3%BC".repeat(128)}a`,
      {},
      [400, "invalid_parameter", "ad_id"],
    ],
    [
      "an ad_id that is far too long",
      "GET",
      `/v1/ads/${"a".repeat(2000)}`,
      {},
      [400, "invalid_parameter"],
    ],
    [
      "another value of wait",
      "POST",
      "/v1/clicks?wait=1",
      { body: "{}", headers: json },
      [400, "invalid_parameter", "wait"],
    ],
    [
      "no media type",
      "POST",
      "/v1/clicks",
      { body: new Uint8Array(2) },
      [415, "unsupported_media_type", "Content-Type"],
    ],
    [
      "an unknown media type",
      "POST",
      "/v1/clicks",
      { body: "a", headers: { "content-type": "text/csv" } },
      [415, "unsupported_media_type", "Content-Type"],
    ],
    [
      "an unknown charset",
      "POST",
      "/v1/clicks",
      { body: "a", headers: { "content-type": "application/json; charset=latin1" } },
      [415, "unsupported_media_type", "Content-Type"],
    ],
    [
      "an unknown encoding",
      "POST",
      "/v1/clicks",
      { body: "a", headers: { ...json, "content-encoding": "br" } },
      [415, "unsupported_encoding", "Content-Encoding"],
    ],
    [
      "encodings on one another",
      "POST",
      "/v1/clicks",
      { body: "a", headers: { ...json, "content-encoding": "gzip, gzip" } },
      [415, "unsupported_encoding", "Content-Encoding"],
    ],
    ["an empty body", "POST", "/v1/clicks", { body: "", headers: json }, [400, "malformed_json"]],
    [
      "a body that is announced as too large",
      "POST",
      "/v1/clicks",
      { body: new Uint8Array(3e6), headers: json },
      [413, "body_too_large"],
    ],
    [
      "attributes that are no JSON",
      "PUT",
      "/v1/ads/a",
      { body: "{", headers: json },
      [400, "malformed_json"],
    ],
    [
      "attributes that are no object",
      "PUT",
      "/v1/ads/a",
      { body: "7", headers: json },
      [400, "invalid_parameter"],
    ],
    [
      "attributes that reach for a prototype",
      "PUT",
      "/v1/ads/a",
      { body: '{"__proto__":{}}', headers: json },
      [400, "malformed_json"],
    ],
    [
      "attributes that are not declared",
      "PUT",
      "/v1/ads/a",
      { body: '{"colour":"red"}', headers: json },
      [400, "unknown_dimension", "colour"],
    ],
    [
      "attributes as another media type",
      "PUT",
      "/v1/ads/a",
      { body: "a=b", headers: { "content-type": "application/x-www-form-urlencoded" } },
      [415, "unsupported_media_type"],
    ],
    [
      "attributes that are compressed",
      "PUT",
      "/v1/ads/a",
      { body: "{}", headers: { ...json, "content-encoding": "gzip" } },
      [415, "unsupported_encoding", "Content-Encoding"],
    ],
    [
      "attributes that are too large",
      "PUT",
      "/v1/ads/a",
      { body: new Uint8Array(3e6), headers: json },
      [413, "body_too_large"],
    ],
    [
      "a bad line among attributes",
      "POST",
      "/v1/ads",
      {
        body: '{"ad_id":"a","campaign_id":"c"}\n\nnot json\n',
        headers: { "content-type": "application/x-ndjson" },
      },
      [400, "malformed_json", "[1]"],
    ],
    [
      "a bad item among attributes",
      "POST",
      "/v1/ads",
      { body: '[{"ad_id":"a","campaign_id":7}]', headers: json },
      [400, "invalid_parameter", "[0].campaign_id"],
    ],
    [
      "an unknown member of a body",
      "POST",
      "/v1/breakdown",
      { body: '{"bye":"ad_id"}', headers: json },
      [400, "invalid_parameter", "bye"],
    ],
    [
      "a member of a wrong type",
      "POST",
      "/v1/breakdown",
      { body: '{"by":[7]}', headers: json },
      [400, "invalid_parameter", "by.0"],
    ],
    [
      "a parameter in query and body",
      "POST",
      "/v1/breakdown?window=5",
      { body: '{"window":5}', headers: json },
      [400, "invalid_parameter", "window"],
    ],
    [
      "an import without a source",
      "POST",
      "/v1/admin/import",
      { body: "a" },
      [400, "invalid_parameter", "source"],
    ],
    [
      "an import by another source",
      "POST",
      "/v1/admin/import?source=http",
      { body: "a" },
      [400, "invalid_parameter", "source"],
    ],
    [
      "an import as JSON",
      "POST",
      "/v1/admin/import?source=import:f",
      { body: "{}", headers: json },
      [415, "unsupported_media_type", "Content-Type"],
    ],
  ];
  for (const [what, method, path, init, [status, code, field]] of refused) {
    it(`is ${what}`, async () => {
      const response = await fetch(side.url + path, { method, ...init });
      const problem = await problemOf(response);
      assert.deepEqual(
        [problem.status, problem.code, problem.field],
        [status, code, field],
        problem.detail,
      );
    });
  }

  it("is told which methods there are", async () => {
    const response = await fetch(`${side.url}/v1/breakdown`, { method: "PUT" });
    assert.equal(response.headers.get("allow"), "GET, HEAD, POST");
    await problemOf(response);
  });

  it("is told which encodings there are", async () => {
    const headers = { ...json, "content-encoding": "deflate" };
    const response = await fetch(`${side.url}/v1/clicks`, { method: "POST", body: "{}", headers });
    assert.equal(response.headers.get("accept-encoding"), "identity, gzip, zstd");
    assert.deepEqual((await problemOf(response))["supported"], ["identity", "gzip", "zstd"]);
  });

  it("is cut off where a body without a length grows too large, and the connection goes on", async () => {
    const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
    const head =
      "POST /v1/clicks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    const next = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    const answers = await talk(side.url, `${head}${chunk.repeat(20)}0\r\n\r\n${next}`);
    assert.match(answers, /^HTTP\/1\.1 413 /);
    assert.match(answers, /"code":"body_too_large"/);
    assert.match(answers, /HTTP\/1\.1 200 OK[^]*\{"status":"ok"\}$/);
  });

  it("is answered as a problem where it is no HTTP at all", async () => {
    const answer = await talk(side.url, "HELLO\r\n\r\n");
    assert.match(
      answer,
      /^HTTP\/1\.1 400 Bad Request\r\n[^]*application\/problem\+json[^]*"code":"invalid_parameter"/,
    );
  });

  it("is answered as a problem where its headers are too large", async () => {
    const answer = await talk(
      side.url,
      `GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(20_000)}\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 431 [^]*"status":431/);
  });

  it("is an internal error without internals where a bug is met", async () => {
    // The parts behind this server throw when they are reached.
    const problem = await problemOf(await fetch(`${side.url}/v1/status`));
    assert.deepEqual([problem.status, problem.code], [500, "internal_error"]);
    assert.doesNotMatch(JSON.stringify(problem), /reached/);
  });
});
