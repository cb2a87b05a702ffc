/** Real ClickHouse servers that are the shards of a cluster, see clickhouse-server.ts: no replicas. */
import { ClickHouseServer, freePorts } from "./clickhouse-server.ts";

export class ClickHouseCluster implements AsyncDisposable {
  readonly name = "tally";
  /** In the order of the cluster. */
  readonly shards: readonly ClickHouseServer[];

  private constructor(shards: readonly ClickHouseServer[]) {
    this.shards = shards;
  }

  static async start(count: number): Promise<ClickHouseCluster> {
    const ports = await Promise.all(Array.from({ length: count }, freePorts));
    const replicas = ports.map(([, tcp]) => ["127.0.0.1", tcp] as const);
    const config = clusterConfig({ tally: replicas.map((own) => [own]) });
    const started = await Promise.allSettled(
      ports.map((own) => ClickHouseServer.start(own, config)),
    );
    const servers = started.flatMap((own) => (own.status === "fulfilled" ? [own.value] : []));
    const cluster = new ClickHouseCluster(servers);
    const failure = started.find((own) => own.status === "rejected");
    if (!failure) return cluster;
    await cluster[Symbol.asyncDispose]();
    throw failure.reason;
  }

  get urls(): string[] {
    return this.shards.map(({ url }) => url);
  }

  /** Of any of them. */
  async query(sql: string): Promise<string> {
    return await this.shards[0]!.query(sql);
  }

  async revive(): Promise<void> {
    await Promise.all(this.shards.map((shard) => shard.revive()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.shards.map((shard) => shard[Symbol.asyncDispose]()));
  }
}

/** By cluster, its shards with their replicas. */
export function clusterConfig(
  clusters: Readonly<
    Record<string, readonly (readonly (readonly [host: string, port: number])[])[]>
  >,
): string {
  const shardOf = (replicas: readonly (readonly [string, number])[]): string =>
    `<shard>${replicas.map(([host, port]) => `<replica><host>${host}</host><port>${port}</port></replica>`).join("")}</shard>`;
  const all = Object.entries(clusters).map(
    ([name, shards]) => `<${name}>${shards.map(shardOf).join("")}</${name}>`,
  );
  return `<clickhouse><remote_servers>${all.join("")}</remote_servers></clickhouse>`;
}
