import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { openClickHouseStore } from "../support/clickhouse-store.ts";
import { Connection } from "../../src/store/clickhouse/connection.ts";
import { change } from "../../src/store/clickhouse/mutations.ts";
import { click, hour, shown } from "../contract/click-store/harness.ts";
import { ClickHouseObserver } from "../support/clickhouse-observer.ts";
import { ClickHouseServer } from "../support/clickhouse-server.ts";
import { eventually } from "../support/eventually.ts";
import { CommitMaker } from "../support/store-clicks.ts";

let server: ClickHouseServer;
before(async () => {
  server = await ClickHouseServer.start();
});
after(() => server[Symbol.asyncDispose]());

const silenceMsMax = 2_500;
/** Of eight rows: some six seconds. */
const slowly = [0.25, 0.26, 0.27].map((s) => `toString(sleepEachRow(${s}))`).join(", ");
const eightRows = "SELECT number, 'as it was' FROM numbers(8)";

function connect(url = server.url): Connection {
  return new Connection({ urls: [url], database: "default", silenceMsMax });
}

async function makeTable(name: string): Promise<void> {
  await server.query(`CREATE TABLE ${name} (k UInt64, v String) ENGINE = MergeTree ORDER BY k`);
  await server.query(`INSERT INTO ${name} ${eightRows}`);
}

async function mutations(table: string): Promise<number> {
  return Number(
    await server.query(`SELECT count() FROM system.mutations WHERE table = '${table}'`),
  );
}

describe("a change of rows that are there", () => {
  it("is waited for, and not begun a second time by who asks again", async () => {
    const table = "slow_change";
    await makeTable(table);
    await using connection = connect();
    const wanted = { table, what: `UPDATE v = concat('new', ${slowly})`, where: "k < 8" };
    const first = change(connection, wanted);
    await eventually("it has begun", async () =>
      (await mutations(table)) === 1 ? true : undefined,
    );
    {
      await using other = connect();
      await change(other, wanted);
    }
    const changed = `SELECT count() FROM ${table} WHERE v = 'new000'`;
    assert.equal(await server.query(changed), "8");
    await first;
    await change(connection, wanted);
    assert.equal(await mutations(table), 1);
    await server.query(`INSERT INTO ${table} ${eightRows}`);
    await change(connection, { ...wanted, where: "k = 3" });
    assert.equal(await server.query(changed), "9");
    await change(connection, wanted);
    assert.equal(await server.query(changed), "16", "also of rows that came since");
  });

  it("is found again where the answer to its beginning was lost", async () => {
    const table = "lost_change";
    await makeTable(table);
    await using observer = await ClickHouseObserver.start(server.url);
    observer.isMuted = (statement) => statement.startsWith("ALTER");
    await using connection = connect(observer.url);
    const wanted = { table, what: "UPDATE v = ''", where: "k < 8" };
    await assert.rejects(change(connection, wanted), { code: "store_unavailable" });
    await change(connection, wanted);
    assert.equal(await mutations(table), 1);
    assert.equal(await server.query(`SELECT count() FROM ${table} WHERE v = ''`), "8");
  });

  it("tells why it fails, and that somebody has ended it", async () => {
    const table = "failing_change";
    await makeTable(table);
    await using connection = connect();
    const failing = { table, what: "UPDATE v = toString(throwIf(k = 5, 'not five'))", where: "1" };
    for (let tries = 0; tries < 2; tries++)
      await assert.rejects(change(connection, failing), {
        code: "storage_failed",
        message: /can't change rows of failing_change: .*not five/,
      });
    assert.equal(await mutations(table), 1);
    await server.query(`KILL MUTATION WHERE table = '${table}' SYNC`);
    await server.query(`SYSTEM STOP MERGES ${table}`);
    const ended = assert.rejects(change(connection, { table, what: "UPDATE v = ''", where: "1" }), {
      code: "storage_failed",
      message: /it was taken back/,
    });
    await eventually("it has begun", async () =>
      (await mutations(table)) === 1 ? true : undefined,
    );
    await server.query(`KILL MUTATION WHERE table = '${table}' SYNC`);
    await ended;
  });

  it("of an erasure is made once, through a death of the server on the way", async () => {
    const database = "erasing";
    await using store = await openClickHouseStore({ urls: [server.url], database, silenceMsMax });
    const maker = new CommitMaker();
    await store.commit(
      maker.next({ clicks: [click("a", 1, { user_id: "u1" }), click("a", 2, {})] }),
    );
    // It can't go on before the server is there again.
    await server.query(`SYSTEM STOP MERGES ${database}.click`);
    const adKeys = [maker.keyOf("ad_id", "a")];
    const erasures = [{ field: "user_id", values: ["u1"], adKeys, inMinutes: false }];
    const commit = maker.next({ erasures });
    const failed = assert.rejects(store.commit(commit), { code: "store_unavailable" });
    await eventually("it has begun", async () =>
      (await mutations("click")) === 1 ? true : undefined,
    );
    await server.kill();
    await failed;
    await server.restart();
    await store.commit(commit);
    assert.equal(await mutations("click"), 1);
    const { rows } = await store.aggregate({ ...hour, source: "raw", groupBy: ["user_id"] });
    assert.deepEqual(shown(rows), ["- 2"]);
  });
});
