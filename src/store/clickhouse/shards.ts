/**
 * Which server is which shard of a cluster: each tells it by itself (`system.clusters`). So there is no need of a queue of DDL
 * (`ON CLUSTER`, and the Keeper behind it), and whatever writes goes straight to where its rows belong.
 */

import { CodedError } from "../../model/errors.ts";
import type { ClickHouseOptions } from "./connection.ts";
import { Connection, literal } from "./connection.ts";

/** As a server has it in its configuration. */
interface ClusterServer {
  readonly shard: number;
  readonly replica: number;
  /** `host:port`, of the protocol that servers speak to one another. */
  readonly address: string;
  /** It is the one that tells it. */
  readonly isItself: boolean;
}

/** Rejects with `invalid_configuration` where these are not the servers of the cluster. */
export async function findShards(
  options: ClickHouseOptions,
  cluster: string,
): Promise<readonly (readonly string[])[]> {
  const told = await Promise.all(
    options.urls.map(async (url) => ({ url, servers: await readCluster(options, url, cluster) })),
  );
  const [first, ...others] = told;
  const layout = layoutOf(first!.servers);
  for (const { url, servers } of others)
    if (layoutOf(servers) !== layout)
      throw misconfigured(
        `the servers differ about the cluster ${cluster}: at ${first!.url} it is ${layout}, at ${url} ${layoutOf(servers)}`,
      );
  const shards = [...new Set(first!.servers.map(({ shard }) => shard))].toSorted((a, b) => a - b);
  for (const shard of shards)
    if (first!.servers.filter((own) => own.shard === shard).length > 1)
      throw misconfigured(
        `shard ${shard} of the cluster ${cluster} has several replicas, which clicktally does not fill in this release`,
      );
  const urls = shards.map((shard) =>
    told
      .filter(({ servers }) => servers.some((own) => own.isItself && own.shard === shard))
      .map(({ url }) => url),
  );
  const missing = shards.filter((_, i) => urls[i]!.length === 0);
  if (missing.length > 0)
    throw misconfigured(
      `of the cluster ${cluster} (${layout}) no address is of shard ${missing.join(", ")}`,
      "store.urls",
    );
  return urls;
}

async function readCluster(
  options: ClickHouseOptions,
  url: string,
  cluster: string,
): Promise<readonly ClusterServer[]> {
  await using server = new Connection({ ...options, urls: [url], database: "default" });
  const rows = await server.rows(
    `SELECT shard_num, replica_num, concat(host_name, ':', toString(port)), is_local
     FROM system.clusters WHERE cluster = ${literal(cluster)} ORDER BY shard_num, replica_num`,
  );
  const servers = rows.map(([shard, replica, address, isLocal]) => ({
    shard: shard as number,
    replica: replica as number,
    address: address as string,
    isItself: isLocal === 1,
  }));
  if (servers.length === 0) throw misconfigured(`${url} knows no cluster ${cluster}`);
  if (!servers.some(({ isItself }) => isItself))
    throw misconfigured(
      `${url} is not in the cluster ${cluster}, which is ${layoutOf(servers)} to it`,
      "store.urls",
    );
  return servers;
}

function layoutOf(servers: readonly ClusterServer[]): string {
  return servers.map(({ shard, address }) => `${shard}: ${address}`).join(", ");
}

function misconfigured(message: string, field = "store.cluster"): CodedError {
  return new CodedError("invalid_configuration", message, { field });
}
