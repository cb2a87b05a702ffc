import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const user = "user-who-asked-to-be-forgotten";
const device = "device-by-which-somebody-is-known";

/** Where in the data directory of a stopped service one of these texts is still told. */
async function placesOf(dataDir: string, texts: readonly string[]): Promise<string[]> {
  return [...queuePlaces(dataDir, texts), ...(await storePlaces(dataDir, texts))];
}

function queuePlaces(dataDir: string, texts: readonly string[]): string[] {
  const queue = new DatabaseSync(join(dataDir, "queue.sqlite"), { readOnly: true });
  try {
    const tables = queue.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
    return tables.flatMap(({ name }) =>
      queue
        .prepare(`SELECT * FROM "${String(name)}"`)
        .all()
        .flatMap((row) =>
          Object.values(row).some(
            (value) =>
              value instanceof Uint8Array &&
              texts.some((text) => Buffer.from(value).includes(text)),
          )
            ? [`queue: ${String(name)}`]
            : [],
        ),
    );
  } finally {
    queue.close();
  }
}

async function storePlaces(dataDir: string, texts: readonly string[]): Promise<string[]> {
  const instance = await DuckDBInstance.create(join(dataDir, "store.duckdb"));
  const connection = await instance.connect();
  try {
    const columns = await connection.runAndReadAll(
      "SELECT table_name, column_name FROM duckdb_columns() WHERE data_type = 'VARCHAR' AND NOT internal",
    );
    const places: string[] = [];
    for (const [table, column] of columns.getRowsJS()) {
      const like = texts.map((text) => `"${String(column)}" LIKE '%${text}%'`).join(" OR ");
      const found = await connection.runAndReadAll(
        `SELECT count(*)::INTEGER FROM "${String(table)}" WHERE ${like}`,
      );
      if (found.getRowsJS()[0]![0] !== 0) places.push(`store: ${String(table)}.${String(column)}`);
    }
    return places;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

describe("what was erased", () => {
  it("is in no record of the queue, no table of the store, and after a start in no dictionary", async () => {
    await using directory = await temporaryDirectory();
    const dataDir = directory.path;
    const texts = [user, device];
    const env = { CLICKTALLY_QUEUE_PARTITIONS: "3" };
    const whileRunning = async (look: (service: ServiceProcess) => Promise<void>) => {
      const service = await ServiceProcess.start({ dataDir, env });
      await using _ = service;
      await look(service);
    };
    const now = Date.now();
    const old = now - 2 * 86_400_000;
    await whileRunning(async (service) => {
      const clicks = Array.from({ length: 300 }, (_, i) => ({
        ad_id: `ad-${i % 20}`,
        event_id: `e${i % 290}`,
        click_timestamp: i % 10 === 0 ? old - i : now - i,
        ...(i % 3 === 0 ? { user_id: user, device } : { user_id: `user-${i}`, device: "phone" }),
      }));
      await service.post("/v1/clicks?wait=counted", JSON.stringify(clicks), "application/json");
      const total = async (): Promise<unknown> =>
        (await service.get<{ totals: object }>("/v1/status")).totals;
      const before = await total();
      for (const [field, value] of [
        ["user_id", user],
        ["device", device],
      ] as const) {
        const body = JSON.stringify({ field, values: [value], reason: "asked for" });
        const answer = await service.post("/v1/admin/erase", body, "application/json");
        const told = answer.body as { result: object; queue_forgotten_at: string | null };
        assert.deepEqual(told.result, { erased: 100 });
        assert.notEqual(told.queue_forgotten_at, null);
      }
      assert.deepEqual(await total(), before);
      const audit = await service.post("/v1/admin/audit", "{}", "application/json");
      assert.equal((audit.body as { differing_rows: number }).differing_rows, 0);
    });
    assert.deepEqual(await placesOf(dataDir, texts), ["store: dictionary_device.value"]);
    await whileRunning(async () => {});
    assert.deepEqual(await placesOf(dataDir, texts), []);
  });
});
