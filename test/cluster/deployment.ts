/** Processes of several roles over one Kafka and one ClickHouse database, each in a directory of its own. */
import { readdirSync } from "node:fs";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

export type Role = "ingest" | "aggregate" | "query";

export interface DeploymentOptions {
  /** Of the topic and of the database. */
  readonly name: string;
  readonly brokers: readonly string[];
  readonly storeUrls: readonly string[];
  /** Whose shards these are. */
  readonly storeCluster?: string;
  readonly partitions: number;
  /** Of all its processes, as they are written in variables. */
  readonly dimensions?: string;
  /** Of an ad's clicks over them; default 1. */
  readonly spread?: number;
}

export class Deployment implements AsyncDisposable {
  private readonly options: DeploymentOptions;
  private readonly resources = new AsyncDisposableStack();
  private readonly directories = new Map<string, string>();
  private readonly processes = new Map<string, ServiceProcess>();

  constructor(options: DeploymentOptions) {
    this.options = options;
  }

  /** `env`: instead of some of the deployment's. One that is launched again has the directory that it had. */
  async launch(
    id: string,
    role: Role,
    env: Readonly<Record<string, string>> = {},
  ): Promise<ServiceProcess> {
    let dataDir = this.directories.get(id);
    if (dataDir === undefined) {
      dataDir = this.resources.use(await temporaryDirectory()).path;
      this.directories.set(id, dataDir);
    }
    const launched = await ServiceProcess.launch({ dataDir, env: { ...this.envOf(role), ...env } });
    this.processes.set(id, launched);
    return launched;
  }

  async start(
    id: string,
    role: Role,
    env: Readonly<Record<string, string>> = {},
  ): Promise<ServiceProcess> {
    const launched = await this.launch(id, role, env);
    await launched.ready();
    return launched;
  }

  directoryOf(id: string): string {
    return this.directories.get(id)!;
  }

  filesOf(id: string): string[] {
    return readdirSync(this.directoryOf(id));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.processes.values()].map((own) => own[Symbol.asyncDispose]()));
    await this.resources.disposeAsync();
  }

  private envOf(role: Role): Record<string, string> {
    const {
      name,
      brokers,
      storeUrls,
      storeCluster,
      partitions,
      spread = 1,
      dimensions,
    } = this.options;
    return {
      ...(dimensions !== undefined && { CLICKTALLY_DIMENSIONS: dimensions }),
      CLICKTALLY_ROLE: role,
      CLICKTALLY_QUEUE_KIND: "kafka",
      CLICKTALLY_QUEUE_BROKERS: brokers.join(","),
      CLICKTALLY_QUEUE_TOPIC: name,
      CLICKTALLY_QUEUE_PARTITIONS: String(partitions),
      CLICKTALLY_QUEUE_SPREAD: String(spread),
      CLICKTALLY_STORE_KIND: "clickhouse",
      CLICKTALLY_STORE_URLS: storeUrls.join(","),
      ...(storeCluster !== undefined && { CLICKTALLY_STORE_CLUSTER: storeCluster }),
      CLICKTALLY_STORE_DATABASE: name,
      CLICKTALLY_WATERMARK_IDLE_LAG: "4s",
    };
  }
}
