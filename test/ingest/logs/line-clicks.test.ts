import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startOf } from "../../../src/ingest/logs/compare-files.ts";
import { LineClicks } from "../../../src/ingest/logs/line-clicks.ts";
import { LineCutter } from "../../../src/ingest/logs/line-cutter.ts";
import type { LogSource } from "../../../src/model/log-source.ts";

type Told = Readonly<Record<string, unknown>> | string;

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** What becomes of each line; an id that was derived is left out. */
function clicksOf(source: Partial<LogSource>, ...lines: readonly string[]): Told[] {
  const whole = { name: "web", files: ["f"], format: "ndjson", request: "", map: {}, ...source };
  const clicks = new LineClicks(whole);
  const cutter = new LineCutter(startOf("web"));
  const cut = [...cutter.push(Buffer.from(lines.map((line) => `${line}\n`).join("")))];
  const header = clicks.hasHeader ? clicks.header(cut[0]!.bytes!) : [];
  return cut.map((line) => {
    const click = clicks.click(line, header, 0);
    if (click.kind === "skipped") return "skipped";
    if (click.kind === "bad") return `bad: ${click.problem}`;
    const fields = JSON.parse(click.json.toString()) as Record<string, string>;
    if (uuid.test(fields["event_id"] ?? "")) delete fields["event_id"];
    return fields;
  });
}

const web = { format: "combined", request: "/c/{ad_id}" } as const;
const at = "2026-11-27T01:35:41+00:00";

function hit(request: string, status = 200, rest = '12 "-" "Mozilla/5.0"'): string {
  return `203.0.113.7 - - [27/Nov/2026:01:35:41 +0000] "${request}" ${status} ${rest}`;
}

describe("lines of an access log", () => {
  it("are clicks where a request for the declared path was served", () => {
    const told = clicksOf(
      web,
      hit("GET /c/ad-1 HTTP/1.1"),
      hit("GET /c/ad%2F2?x=1 HTTP/2.0", 302),
      hit("GET https://example.com/c/ad-3 HTTP/1.1"),
    );
    const common = { click_timestamp: at, ip: "203.0.113.7" };
    assert.deepEqual(told, [
      { ad_id: "ad-1", ...common },
      { ad_id: "ad/2", ...common },
      { ad_id: "ad-3", ...common },
    ]);
  });

  it("are no clicks where it was not served, was no GET, or was for something else, and that is nothing bad", () => {
    const told = clicksOf(
      web,
      hit("GET /c/ad-1 HTTP/1.1", 404),
      hit("GET /c/ad-1 HTTP/1.1", 500),
      hit("POST /c/ad-1 HTTP/1.1"),
      hit("HEAD /c/ad-1 HTTP/1.1"),
      hit("GET /c/ HTTP/1.1"),
      hit("GET /c/a/b HTTP/1.1"),
      hit("GET /favicon.ico HTTP/1.1"),
      hit(String.raw`\x16\x03\x01`, 400, '0 "-" "-"'),
      "",
    );
    assert.deepEqual(new Set(told), new Set(["skipped"]));
  });

  it("are bad where they are of another format, or of a click that can't be read", () => {
    const told = clicksOf(web, "what is this", hit("GET /c/%ff HTTP/1.1"), hit("garbage"));
    assert.deepEqual(told, [
      "bad: the line is not of the declared format",
      "bad: ad_id is not percent-encoded UTF-8",
      "bad: the line has no request",
    ]);
  });

  it("give the fields that are declared, from query, path and line", () => {
    const map = {
      event_id: "query.id",
      country: "query.cc",
      device: "http_user_agent",
      ip: "query.no",
    };
    const request = "/{campaign_id}/click-{ad_id}.gif";
    const told = clicksOf(
      { format: "combined", request, map },
      hit(
        "GET /spring/click-7.gif?id=e-1&cc=DE HTTP/1.1",
        200,
        String.raw`43 "-" "a \"b\" \x22c\xC3\xA9"`,
      ),
      hit("GET /spring/click-7.gif HTTP/1.1", 200, '43 "-" "-" "more" 0.001'),
    );
    const common = { campaign_id: "spring", ad_id: "7", click_timestamp: at };
    assert.deepEqual(told, [
      { ...common, event_id: "e-1", country: "DE", device: 'a "b" "cé' },
      common,
    ]);
  });

  it("are read by the text of a log_format", () => {
    const format = '$msec|$remote_addr|"$request_method $request_uri"|$status|$http_x_user';
    const told = clicksOf(
      { format, request: "/c/{ad_id}", map: { user_id: "http_x_user" } },
      '1795829741.123|2001:db8::1|"GET /c/a?b=1"|204|u|7',
      '1795829741.123|2001:db8::1|"GET /c/a?b=1"|204|-',
      '1795829741.123 2001:db8::1 "GET /c/a?b=1" 204 -',
    );
    const common = { ad_id: "a", click_timestamp: 1_795_829_741_123, ip: "2001:db8::1" };
    assert.deepEqual(told, [
      { ...common, user_id: "u|7" },
      common,
      "bad: the line is not of the declared format",
    ]);
  });

  it("may be JSON", () => {
    const line = {
      time_iso8601: "2026-11-27T01:35:41+00:00",
      remote_addr: "203.0.113.7",
      request_method: "GET",
      uri: "/c/a",
      args: "id=e-1",
      status: "200",
    };
    const told = clicksOf(
      { request: "/c/{ad_id}", map: { event_id: "query.id" } },
      JSON.stringify(line),
      JSON.stringify({ ...line, status: 404 }),
      JSON.stringify({ ...line, status: undefined }),
      "[]",
    );
    assert.deepEqual(told, [
      { ad_id: "a", click_timestamp: at, ip: "203.0.113.7", event_id: "e-1" },
      "skipped",
      "bad: the line has no status",
      "bad: the line is no JSON object",
    ]);
  });

  it("take no longer for a line that is made to be slow", () => {
    const startMs = performance.now();
    const evil = [
      " - ".repeat(20_000),
      '"'.repeat(60_000),
      "[".repeat(60_000),
      "\\".repeat(60_001),
    ];
    assert.deepEqual(
      new Set(clicksOf(web, ...evil)),
      new Set(["bad: the line is not of the declared format"]),
    );
    assert.ok(performance.now() - startMs < 2_000);
  });
});

describe("lines of NDJSON and CSV", () => {
  it("are sent as they are, with an id where they have none", () => {
    const told = clicksOf(
      {},
      '\u{feff}{"ad_id":"a","click_timestamp":1,"event_id":"e"}',
      '{"ad_id":"a","click_timestamp":1} ',
      '{"ad_id":"a","event_id":null}',
      "{ }",
      '"text"',
      "{",
    );
    assert.deepEqual(told, [
      { ad_id: "a", click_timestamp: 1, event_id: "e" },
      { ad_id: "a", click_timestamp: 1 },
      { ad_id: "a" },
      {},
      "bad: the line is no JSON object",
      "bad: the line is no JSON",
    ]);
  });

  it("may call their fields otherwise", () => {
    const map = { ad_id: "channel", click_timestamp: "t" };
    const told = clicksOf({ map }, '{"channel":"a","t":5,"ad_id":"not this","x":1}');
    assert.deepEqual(told, [{ ad_id: "a", click_timestamp: 5, x: 1 }]);
  });

  it("are rows under a header", () => {
    const told = clicksOf(
      { format: "csv", map: { ad_id: "ad" } },
      "ad,click_timestamp,country,event_id",
      '"a,1",1795829741123,US,\r',
      "b,2026-11-27T01:35:41Z,,e-2",
      "b,1",
      'b,"1',
    );
    assert.deepEqual(told, [
      "skipped",
      { ad_id: "a,1", click_timestamp: 1_795_829_741_123, country: "US" },
      { ad_id: "b", click_timestamp: "2026-11-27T01:35:41Z", country: "", event_id: "e-2" },
      "bad: the row has 2 cells where the header has 4",
      "bad: the line is no row of CSV",
    ]);
  });
});
