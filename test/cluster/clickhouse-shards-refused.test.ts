import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { clusterConfig } from "../support/clickhouse-cluster.ts";
import type { ServerPorts } from "../support/clickhouse-server.ts";
import { ClickHouseServer, freePorts } from "../support/clickhouse-server.ts";
import { followClickHouseStore, openClickHouseStore } from "../support/clickhouse-store.ts";

/** Two servers, and what each of them has in its configuration. */
const servers: ClickHouseServer[] = [];
before(async () => {
  const ports = [await freePorts(), await freePorts()] as const;
  const [one, other] = ports.map(([, tcp]) => ["127.0.0.1", tcp] as const);
  const config = (which: number): string =>
    clusterConfig({
      both: [[one!], [other!]],
      backwards: [[other!], [one!]],
      first: [[one!]],
      copies: [[one!, other!]],
      differing: which === 0 ? [[one!], [other!]] : [[other!], [one!]],
      ...(which === 0 && { known_to_one: [[one!], [other!]] }),
    });
  const start = (own: ServerPorts, i: number) => ClickHouseServer.start(own, config(i));
  servers.push(...(await Promise.all(ports.map(start))));
});
after(() => Promise.all(servers.map((server) => server[Symbol.asyncDispose]())));

const urls = (): string[] => servers.map(({ url }) => url);
const refused = (field: string, message: RegExp) => ({
  code: "invalid_configuration",
  field,
  message,
});

async function databasesOf(server: ClickHouseServer): Promise<string> {
  return await server.query(
    "SELECT groupArray(name) FROM (SELECT name FROM system.databases ORDER BY name)",
  );
}

describe("a start on a cluster is refused, and makes nothing,", () => {
  for (const [what, options, expected] of [
    [
      "that no server knows",
      { cluster: "unheard_of" },
      refused("store.cluster", /knows no cluster unheard_of/),
    ],
    [
      "that one of the servers does not know",
      { cluster: "known_to_one" },
      refused("store.cluster", /knows no cluster known_to_one/),
    ],
    [
      "of which a shard has no address",
      { cluster: "both", only: 1 },
      refused("store.urls", /no address is of shard 2/),
    ],
    [
      "that is without one of the servers",
      { cluster: "first" },
      refused("store.urls", /is not in the cluster first/),
    ],
    [
      "about which the servers differ",
      { cluster: "differing" },
      refused("store.cluster", /the servers differ about the cluster differing/),
    ],
    [
      "that has replicas",
      { cluster: "copies" },
      refused("store.cluster", /shard 1 of the cluster copies has several replicas/),
    ],
  ] as const)
    it(what, async () => {
      const untouched = await Promise.all(servers.map(databasesOf));
      const { cluster } = options;
      const known = "only" in options ? urls().slice(0, options.only) : urls();
      const asked = { urls: known, cluster, database: "never" };
      await assert.rejects(openClickHouseStore(asked), expected);
      await assert.rejects(followClickHouseStore(asked), expected);
      assert.deepEqual(await Promise.all(servers.map(databasesOf)), untouched);
    });

  it("whose shards are other ones than those that the database was made on", async () => {
    const database = "made_on_both";
    const open = (cluster: string | undefined, known: readonly string[]) =>
      openClickHouseStore({ urls: known, database, ...(cluster !== undefined && { cluster }) });
    await (await open("both", urls()))[Symbol.asyncDispose]();
    const [one, other] = urls();
    for (const [cluster, known, found, expected] of [
      ["backwards", [one!, other!], "2 of 2", "1 of 2"],
      ["first", [one!], "1 of 2", "1 of 1"],
      [undefined, [one!], "1 of 2", "1 of 1"],
      [undefined, [other!], "2 of 2", "1 of 1"],
    ] as const) {
      const message = new RegExp(`is shard ${found}, by the settings it would be ${expected}`);
      await assert.rejects(open(cluster, known), {
        code: "invalid_configuration",
        field: "store.cluster",
        message: cluster === "backwards" ? /is shard \d of 2, by the settings/ : message,
      });
    }
    await (await open("both", [other!, one!]))[Symbol.asyncDispose]();
    const alone = { urls: [one!], database: "made_on_one" };
    await (await openClickHouseStore(alone))[Symbol.asyncDispose]();
    await (await openClickHouseStore({ ...alone, cluster: "first" }))[Symbol.asyncDispose]();
    await assert.rejects(openClickHouseStore({ ...alone, cluster: "both", urls: urls() }), {
      code: "invalid_configuration",
      message: /is shard 1 of 1, by the settings it would be 1 of 2/,
    });
  });
});
