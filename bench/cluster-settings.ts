/** Settings of a process over these brokers and this ClickHouse. `name`: of the topic and of the database. */
export function clusterSettings(
  name: string,
  partitionCount: number,
  { brokers, storeUrl }: { readonly brokers: readonly string[]; readonly storeUrl: string },
): Readonly<Record<string, string>> {
  return {
    CLICKTALLY_QUEUE_KIND: "kafka",
    CLICKTALLY_QUEUE_BROKERS: brokers.join(","),
    CLICKTALLY_QUEUE_TOPIC: name,
    CLICKTALLY_QUEUE_PARTITIONS: String(partitionCount),
    CLICKTALLY_STORE_KIND: "clickhouse",
    CLICKTALLY_STORE_URLS: storeUrl,
    CLICKTALLY_STORE_DATABASE: name,
  };
}
