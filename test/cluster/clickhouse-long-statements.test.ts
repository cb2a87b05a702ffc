import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { createServer } from "node:net";
import { after, before, describe, it } from "node:test";
import { blockOfRows } from "../../src/store/clickhouse/column-writer.ts";
import { Connection } from "../../src/store/clickhouse/connection.ts";
import { ClickHouseObserver } from "../support/clickhouse-observer.ts";
import { ClickHouseServer } from "../support/clickhouse-server.ts";
import { eventually } from "../support/eventually.ts";

let server: ClickHouseServer;
before(async () => {
  server = await ClickHouseServer.start();
});
after(() => server[Symbol.asyncDispose]());

/** With time for a busy machine to say that it is busy. */
const silenceMsMax = 2_500;
/** Of a row; ClickHouse bears three seconds of it in a block. */
const slowly = "sleepEachRow(0.25)";
const rowByRow = "SETTINGS max_block_size = 1, max_threads = 1";

function connect(url = server.url): Connection {
  return new Connection({ urls: [url], database: "default", silenceMsMax });
}

const isAway = { code: "store_unavailable", message: /no word for 2500 ms/ } as const;

async function running(mark: string): Promise<number> {
  const own = "query NOT LIKE '%system.processes%'";
  return Number(
    await server.query(
      `SELECT count() FROM system.processes WHERE position(query, '${mark}') > 0 AND ${own}`,
    ),
  );
}

describe("a ClickHouse statement", () => {
  it("is waited for as long as the server works on it, before its first word and after", async () => {
    await using connection = connect();
    const startMs = performance.now();
    const slow = `SELECT number FROM numbers(24) WHERE NOT ignore(${slowly}) ${rowByRow}`;
    // The server sends what it has from a megabyte on.
    const all = `SELECT toInt64(number) FROM (SELECT number FROM numbers(200000) UNION ALL SELECT * FROM (${slow}))`;
    let firstBlockMs = 0;
    const countBlocks = async (): Promise<number> => {
      let rowCount = 0;
      for await (const block of connection.blocks(all)) {
        firstBlockMs ||= performance.now() - startMs;
        rowCount += block.rowCount;
      }
      return rowCount;
    };
    const answers = await Promise.all([
      connection.rows(`SELECT count(), max(number) FROM (${slow})`),
      countBlocks(),
      connection.rows(all).then(({ length }) => length),
    ]);
    assert.deepEqual(answers, [[[24, 23]], 200_024, 200_024]);
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs - firstBlockMs > silenceMsMax, "the blocks came as one");
  });

  it("is waited for where it changes something", async () => {
    await using connection = connect();
    const columns = [0.25, 0.26, 0.27].map((s, i) => `c${i} UInt8 DEFAULT sleepEachRow(${s})`);
    await connection.run(
      `CREATE TABLE slow (number UInt8, ${columns.join(", ")}) ENGINE = MergeTree ORDER BY number`,
    );
    const rows = Array.from({ length: 8 }, (_, i) => [i]);
    await Promise.all([
      connection.insert("slow", blockOfRows([{ name: "number", type: "UInt8" }], rows)),
      connection.run(
        `CREATE TABLE slower ENGINE = MergeTree ORDER BY number AS
         SELECT number, ${slowly} AS slow FROM numbers(24) ${rowByRow}`,
      ),
    ]);
    assert.deepEqual(await connection.rows("SELECT count() FROM slow"), [[8]]);
    assert.deepEqual(await connection.rows("SELECT count() FROM slower"), [[24]]);
  });

  it("waits for others to end where many are asked at once, and is not given up meanwhile", async () => {
    await using connection = connect();
    const answers = await Promise.all(
      Array.from({ length: 48 }, (_, i) =>
        connection.rows(`SELECT ${i}, count(${slowly}) FROM numbers(8) ${rowByRow}`),
      ),
    );
    assert.deepEqual(
      answers.map(([row]) => row![0]),
      Array.from({ length: 48 }, (_, i) => i),
    );
  });

  it("is given up where its answer was lost, or nobody answers at all", async () => {
    await using observer = await ClickHouseObserver.start(server.url);
    observer.isMuted = (statement) => statement.includes("'lost'");
    await using lost = connect(observer.url);
    assert.deepEqual(await lost.rows("SELECT 'there'"), [["there"]]);
    await using silent = await startSilentServer();
    await using unheard = connect(silent.url);
    await Promise.all([
      assert.rejects(lost.rows("SELECT 'lost'"), isAway),
      assert.rejects(lost.run("SELECT 'lost'"), isAway),
      assert.rejects(unheard.rows("SELECT 1"), isAway),
    ]);
    assert.deepEqual(await lost.rows("SELECT 'there'"), [["there"]]);
  });

  it("ends with its server's work where nobody waits for it any more", async () => {
    const endless = `FROM numbers(1000000000) WHERE NOT ignore(${slowly}, 'left alone') ${rowByRow}`;
    const connection = connect();
    const left = assert.rejects(connection.rows(`SELECT count() ${endless}`));
    await eventually("it runs", async () =>
      (await running("left alone")) === 1 ? true : undefined,
    );
    await connection[Symbol.asyncDispose]();
    await left;
    await eventually("it has ended", async () => {
      await server.revive();
      return (await running("left alone")) === 0 ? true : undefined;
    });
  });
});

/** Takes every connection, and what comes, and says nothing. */
async function startSilentServer(): Promise<{ readonly url: string } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).resume();
  });
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  return {
    url: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      silent.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
