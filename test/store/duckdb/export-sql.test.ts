import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { formatIp } from "../../../src/model/ip.ts";
import { ipToSql } from "../../../src/store/duckdb/export-sql.ts";
import { bigintOfWords } from "../../../src/store/duckdb/read-chunk.ts";
import { Random } from "../../../src/traffic/random.ts";

function randomAddress(random: Random): Uint32Array {
  if (random.chance(0.2)) return Uint32Array.of(0, 0, 0xffff, random.word());
  // Zeros often, so that there are runs of every length and place.
  const group = (): number =>
    random.chance(0.6) ? 0 : random.word() >>> random.pick([16, 24, 30]);
  return Uint32Array.from({ length: 4 }, () => group() * 65_536 + group());
}

describe("an address in SQL", () => {
  it("is the text that formatIp makes of it", async () => {
    const random = new Random(1);
    const addresses = Array.from({ length: 4_000 }, () => randomAddress(random));
    addresses.push(new Uint32Array(4), Uint32Array.of(0, 0, 0, 1), new Uint32Array(4).fill(~0));
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const values = addresses.map((words) => `(${bigintOfWords(words, 0)}::UHUGEINT)`).join(", ");
    const sql = `SELECT ${ipToSql("a")} FROM (VALUES ${values}, (NULL)) AS t(a)`;
    const rows = (await connection.runAndReadAll(sql)).getRowsJS();
    assert.deepEqual(
      rows.map(([text]) => text),
      [...addresses.map((words) => formatIp(words, 0)), null],
    );
    connection.closeSync();
    instance.closeSync();
  });
});
