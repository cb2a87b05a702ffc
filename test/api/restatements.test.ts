import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { parse } from "csv-parse/sync";
import { formatMinute, hourMs, minuteMs } from "../../src/model/time.ts";
import type { Json } from "./running-service.ts";
import { RunningService, click } from "./running-service.ts";

let service: RunningService;
before(async () => {
  service = await RunningService.start();
});
after(() => service[Symbol.asyncDispose]());

/** Two hours ago, when the clicks of now move the watermark past it. */
const lateMinute = Math.floor((Date.now() - 2 * hourMs) / minuteMs);

async function send(ad_id: string, minute: number): Promise<Json> {
  const body = JSON.stringify(click({ ad_id, click_timestamp: minute * minuteMs }));
  return (await service.send("POST", "/v1/clicks?wait=counted", body)).body;
}

async function rowsOf(parameters: string): Promise<Json[]> {
  const { status, body } = await service.get(`/v1/restatements?window=4h${parameters}`);
  assert.equal(status, 200);
  return body["rows"] as Json[];
}

describe("the restatement journal", () => {
  before(async () => {
    assert.equal((await send("now", Math.floor(Date.now() / minuteMs)))["counted"], 1);
    for (const [ad, minute] of [
      ["b", lateMinute],
      ["a", lateMinute + 1],
      ["b", lateMinute],
      ["a", lateMinute],
    ] as const)
      assert.equal((await send(ad, minute))["restated"], 1);
  });

  it("has every change of a final bucket, by minute, ad and revision", async () => {
    const rows = await rowsOf("");
    const first = formatMinute(lateMinute);
    assert.deepEqual(
      rows.map((row) => [
        row["minute"],
        row["ad_id"],
        row["before"],
        row["after"],
        row["revision"],
      ]),
      [
        [first, "a", 0, 1, 1],
        [first, "b", 0, 1, 1],
        [first, "b", 1, 2, 2],
        [formatMinute(lateMinute + 1), "a", 0, 1, 1],
      ],
    );
    for (const row of rows) {
      assert.equal(row["reason"], "late");
      assert.ok(Math.abs(Date.now() - Date.parse(row["received_at"] as string)) < hourMs);
      assert.ok((row["as_of"] as number) > 0);
    }
  });

  it("is told of one ad, and of buckets of the range alone", async () => {
    assert.deepEqual(
      (await rowsOf("&ad_id=a")).map((row) => row["minute"]),
      [formatMinute(lateMinute), formatMinute(lateMinute + 1)],
    );
    assert.deepEqual(await rowsOf("&ad_id=nobody"), []);
    const from = formatMinute(lateMinute + 1);
    const { body } = await service.get(
      `/v1/restatements?from=${from}&to=${formatMinute(lateMinute + 2)}`,
    );
    assert.deepEqual(
      (body["rows"] as Json[]).map((row) => row["ad_id"]),
      ["a"],
    );
  });

  it("comes in pages that what is restated meanwhile does not change", async () => {
    const all = await rowsOf("");
    const range = `from=${formatMinute(lateMinute)}&to=${formatMinute(lateMinute + 9)}&limit=3`;
    const first = (await service.get(`/v1/restatements?${range}`)).body;
    assert.deepEqual(first["rows"], all.slice(0, 3));
    assert.equal((await send("z", lateMinute + 2))["restated"], 1);
    const cursor = String(first["next_cursor"]);
    const second = (await service.get(`/v1/restatements?${range}&cursor=${cursor}`)).body;
    assert.deepEqual(second["rows"], all.slice(3));
    assert.equal(second["next_cursor"], null);
    assert.equal(second["as_of"], first["as_of"]);
    assert.equal((await rowsOf("")).length, all.length + 1);
    const other = await service.get(`/v1/restatements?${range}&ad_id=a&cursor=${cursor}`);
    assert.deepEqual([other.status, other.body["field"]], [400, "cursor"]);
  });

  it("is a table as CSV too", async () => {
    const response = await fetch(`${service.url}/v1/restatements?window=4h&ad_id=b&limit=1`, {
      headers: { accept: "text/csv" },
    });
    const rows = parse(await response.text(), { columns: true }) as Json[];
    const json = (await rowsOf("&ad_id=b")).slice(0, 1);
    assert.deepEqual(
      rows,
      json.map((row) =>
        Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, String(cell)])),
      ),
    );
    assert.ok(response.headers.get("x-clicktally-next-cursor"));
  });
});
