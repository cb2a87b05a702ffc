import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { minuteMs } from "../../src/model/time.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const clock = new URL("../support/shifted-clock.ts", import.meta.url).href;
const settingsWith = (place: string): string =>
  `dimensions: { country: { in: minute }, os: { in: ${place} }, ip: { in: ${place}, type: ip } }\n`;

let events = 0;
async function send(service: ServiceProcess, time: number, count: number): Promise<void> {
  const lines = Array.from({ length: count }, (_, i) =>
    JSON.stringify({
      ad_id: `ad-${i % 7}`,
      click_timestamp: time - (i % 3) * minuteMs,
      event_id: `event-${++events}`,
      country: "DE",
      ip: `10.0.0.${i % 2}`,
      ...(i % 4 > 0 && { os: i % 4 === 1 ? "ios" : "änders" }),
    }),
  );
  const { status } = await service.post("/v1/clicks?wait=counted", lines.join("\n"));
  assert.equal(status, 200);
}

/** Keys of os that minute rows have. */
async function keysOfMinuteRows(path: string): Promise<number> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  const tables = await connection.runAndReadAll(
    "SELECT table_name FROM duckdb_columns() WHERE table_name LIKE 'minute%' AND column_name = 'k_os'",
  );
  const selects = tables
    .getRowsJS()
    .map(([table]) => `SELECT k_os, clicks FROM "${String(table)}"`);
  const found = await connection.runAndReadAll(
    `SELECT count(*) FROM (SELECT k_os FROM (${selects.join(" UNION ALL ")})
     WHERE k_os > 0 GROUP BY k_os HAVING SUM(clicks) > 0)`,
  );
  connection.closeSync();
  instance.closeSync();
  return Number(found.getRowsJS()[0]![0]);
}

describe("a dimension that was moved to the minute rows", () => {
  it("is in old ones too once they are recomputed, until that is rolled back", async () => {
    await using directory = await temporaryDirectory();
    const start = async (place: string, shiftMs: number): Promise<ServiceProcess> => {
      await writeFile(join(directory.path, "clicktally.yaml"), settingsWith(place));
      return ServiceProcess.start({
        dataDir: directory.path,
        env: {
          NODE_OPTIONS: `--import ${clock}`,
          CLOCK_SHIFT_MS: String(shiftMs),
          CLICKTALLY_QUEUE_PARTITIONS: "2",
        },
      });
    };
    const startMs = Date.now();
    {
      await using service = await start("raw", 0);
      await send(service, startMs, 100);
    }
    // Takes the settings down, for a minute to come.
    await (await start("minute", 0))[Symbol.asyncDispose]();
    const store = join(directory.path, "store.duckdb");
    const range = { from: String(startMs - 5 * minuteMs), to: String(startMs + minuteMs) };
    const shiftMs = 10 * minuteMs;
    const ask = async (service: ServiceProcess): Promise<unknown[]> => {
      const each = [
        "by=os",
        "by=ad_id,os,ip",
        "by=country&filter=os==ios",
        "by=&filter=os=null=true",
      ];
      const answers = each.map((question) =>
        service.get<{ rows: unknown }>(`/v1/breakdown?${new URLSearchParams(range)}&${question}`),
      );
      return (await Promise.all(answers)).map(({ rows }) => rows);
    };
    const recompute = async (service: ServiceProcess, body: object) => {
      const answer = await service.post<{ rows: number; buckets: number }>(
        "/v1/admin/recompute",
        JSON.stringify({ reason: "faster", ...body }),
        "application/json",
      );
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      return answer.body;
    };
    const assertSound = async (service: ServiceProcess, expected: unknown[]): Promise<void> => {
      assert.deepEqual(await ask(service), expected);
      const { body } = await service.post<{ differing_rows: number; differences: unknown }>(
        "/v1/admin/audit",
        "{}",
        "application/json",
      );
      assert.equal(body.differing_rows, 0, JSON.stringify(body.differences));
    };
    let expected: unknown[];
    {
      await using service = await start("minute", shiftMs);
      // On both partitions, so that the old minutes are final in each.
      await send(service, Date.now() + shiftMs, 20);
      expected = await ask(service);
      const { rows, buckets } = await recompute(service, { ...range, apply: true });
      assert.ok(rows > 0);
      assert.equal(buckets, 0, "no count has changed");
      await assertSound(service, expected);
      assert.equal((await recompute(service, range)).rows, 0);
      await send(service, startMs, 40);
      expected = await ask(service);
      await assertSound(service, expected);
    }
    assert.equal(await keysOfMinuteRows(store), 2);
    {
      await using service = await start("minute", shiftMs);
      await send(service, startMs, 40);
      expected = await ask(service);
      await assertSound(service, expected);
      await recompute(service, { rollback: "last" });
      await assertSound(service, expected);
      assert.ok((await recompute(service, range)).rows > 0, "it can be done again");
    }
  });
});
