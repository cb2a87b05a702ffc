/** A real Kafka of several brokers in processes of their own, on free ports of the loopback. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, openSync, closeSync, readFileSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Admin } from "@platformatic/kafka";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import type { BrokerSecurity } from "./kafka-security.ts";
import { password, plaintext, username } from "./kafka-security.ts";

const run = promisify(execFile);

const version = "4.1.1";
const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "clicktally");
const jars = join(cache, `kafka-${version}`);
const heap = ["-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>clicktally</groupId>
  <artifactId>kafka-for-tests</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>${version}</version>
    </dependency>
  </dependencies>
</project>
`;

/** What keeps Kafka from running here, in one line; undefined where nothing does. Where it is required, nothing may. */
export async function missingForKafka(): Promise<string | undefined> {
  const missing = (await hasProgram("java"))
    ? existsSync(jars) || (await hasProgram("mvn"))
      ? undefined
      : "mvn (Maven), which brings Kafka"
    : "java";
  if (missing !== undefined) assert.notEqual(process.env["TEST_REQUIRED"], "1", missing);
  return missing && `needs ${missing}`;
}

async function hasProgram(name: string): Promise<boolean> {
  return await run(name, ["-version"]).then(
    () => true,
    () => false,
  );
}

/** Brought once, into a folder outside the tree; what is half brought is not taken for whole. */
async function bringJars(): Promise<void> {
  if (existsSync(jars)) return;
  await using directory = await temporaryDirectory();
  await writeFile(join(directory.path, "pom.xml"), pom);
  const lib = join(cache, `kafka-${version}.${process.pid}`);
  await mkdir(cache, { recursive: true });
  await run("mvn", ["-q", "-B", "dependency:copy-dependencies", `-DoutputDirectory=${lib}`], {
    cwd: directory.path,
  });
  await rename(lib, jars).catch((error: unknown) => {
    if (!existsSync(jars)) throw error;
  });
}

interface Broker {
  readonly id: number;
  readonly port: number;
  readonly directory: string;
  process: ChildProcess | undefined;
}

export class KafkaCluster implements AsyncDisposable {
  readonly brokers: readonly string[];
  private readonly members: readonly Broker[];
  private readonly security: BrokerSecurity;
  private readonly resources: AsyncDisposableStack;

  private constructor(
    members: readonly Broker[],
    security: BrokerSecurity,
    resources: AsyncDisposableStack,
  ) {
    this.members = members;
    this.security = security;
    this.brokers = members.map(({ port }) => `127.0.0.1:${port}`);
    this.resources = resources;
  }

  /** Resolves when every broker takes part. */
  static async start(brokerCount: number, security = plaintext): Promise<KafkaCluster> {
    await bringJars();
    await using resources = new AsyncDisposableStack();
    const directory = resources.use(await temporaryDirectory()).path;
    const members: Broker[] = [];
    const controllers: string[] = [];
    for (let id = 1; id <= brokerCount; id++) {
      members.push({
        id,
        port: await freePort(),
        directory: join(directory, `broker-${id}`),
        process: undefined,
      });
      controllers.push(`${id}@127.0.0.1:${await freePort()}`);
    }
    const cluster = new KafkaCluster(members, security, resources.move());
    try {
      await Promise.all(members.map((member) => format(member, controllers, security)));
      for (const { id } of members) cluster.startBroker(id);
      await cluster.allTakePart();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** As a machine that loses power would. */
  async kill(id: number): Promise<void> {
    const member = this.member(id);
    const { process: child } = member;
    if (!child) return;
    member.process = undefined;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  /** As one whose machine hangs: what is sent to it is taken, and never answered. */
  suspend(id: number): void {
    this.member(id).process!.kill("SIGSTOP");
  }

  resume(id: number): void {
    this.member(id).process!.kill("SIGCONT");
  }

  startBroker(id: number): void {
    const member = this.member(id);
    const log = openSync(join(member.directory, "broker.log"), "a");
    member.process = spawn(
      "java",
      [...heap, "-cp", join(jars, "*"), "kafka.Kafka", join(member.directory, "server.properties")],
      { stdio: ["ignore", log, log] },
    );
    closeSync(log);
  }

  async allTakePart(): Promise<void> {
    const admin = new Admin({
      clientId: "test",
      bootstrapBrokers: [...this.brokers],
      retries: 0,
      connectTimeout: 1_000,
      ...(this.security !== plaintext && {
        tls: { rejectUnauthorized: false },
        sasl: { mechanism: "PLAIN", username, password },
      }),
    });
    try {
      await eventually(
        "all brokers take part",
        async () => {
          const { brokers } = await admin.metadata({ topics: [], forceUpdate: true });
          return brokers.size === this.members.length ? true : undefined;
        },
        90_000,
      );
    } catch (cause) {
      throw new Error(this.logs(), { cause });
    } finally {
      await admin.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map(({ id }) => this.kill(id)));
    await this.resources.disposeAsync();
  }

  private member(id: number): Broker {
    return this.members.find((member) => member.id === id)!;
  }

  private logs(): string {
    return this.members
      .map(({ directory }) => readFileSync(join(directory, "broker.log"), "utf8").slice(-2_000))
      .join("\n");
  }
}

async function format(
  { id, port, directory }: Broker,
  controllers: readonly string[],
  { listener, properties: more, formatArguments }: BrokerSecurity,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  const controllerPort = controllers[id - 1]!.split(":")[1]!;
  const replicas = Math.min(3, controllers.length);
  const properties = join(directory, "server.properties");
  await writeFile(
    properties,
    [
      "process.roles=broker,controller",
      `node.id=${id}`,
      `controller.quorum.voters=${controllers.join(",")}`,
      `listeners=${listener}://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      "controller.listener.names=CONTROLLER",
      ...more,
      `log.dirs=${join(directory, "data")}`,
      `offsets.topic.replication.factor=${replicas}`,
      "group.initial.rebalance.delay.ms=0",
      "auto.create.topics.enable=false",
      // A test does not wait as long as a data centre may.
      "broker.session.timeout.ms=6000",
      "controller.quorum.election.timeout.ms=500",
      "log.cleaner.enable=false",
    ].join("\n"),
  );
  const clusterId = "clicktally-tests-00000";
  await run("java", [
    ...heap,
    "-cp",
    join(jars, "*"),
    "kafka.tools.StorageTool",
    "format",
    "-t",
    clusterId,
    "-c",
    properties,
    ...formatArguments,
  ]);
}
