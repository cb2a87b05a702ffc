import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { it } from "node:test";
import { Random } from "../../src/traffic/random.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import type { LineMaker, TurnKind } from "./turned-log.ts";
import { TurnedLog } from "./turned-log.ts";

const seed = Number(process.env["TEST_SEED"] ?? Math.floor(Date.now() / 1000));
const cli = resolve(import.meta.dirname, "../../src/cli.ts");

type Step = TurnKind | "kill the watcher" | "kill the service";
/** 200 in all. */
const steps: Readonly<Record<Step, number>> = {
  rename: 80,
  copytruncate: 57,
  compress: 45,
  "kill the watcher": 14,
  "kill the service": 4,
};

const objects: LineMaker = {
  click: (ad, random) =>
    JSON.stringify({ ad_id: ad, click_timestamp: Date.now(), user_id: `u${random.below(3)}` }),
  skipped: () => "",
  bad: (random) =>
    random.chance(0.5)
      ? `no click ${random.word()}`
      : `{"ad_id":"","click_timestamp":${random.word()}}`,
};

const requests: LineMaker = {
  click: (ad, random) => request(`GET /c/${ad}?u=${random.word()} HTTP/1.1`, 204, random),
  skipped: (random) => request("GET /other HTTP/1.1", 200, random),
  bad: (random) =>
    random.chance(0.5)
      ? `what ${random.word()}`
      : request(`GET /c/%ff?${random.word()} HTTP/1.1`, 200, random),
};

function request(line: string, status: number, random: Random): string {
  const month = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
  const now = new Date();
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${two(now.getUTCDate())}/${month[now.getUTCMonth()]}/${now.getUTCFullYear()}`;
  const time = `${day}:${now.toISOString().slice(11, 19)} +0000`;
  return `10.0.0.${random.below(200)} - - [${time}] "${line}" ${status} 0 "-" "x"`;
}

class Watcher implements AsyncDisposable {
  private child: ChildProcess | undefined;
  private readonly args: readonly string[];
  private readonly home: string;
  readonly state: string;

  constructor(home: string, args: readonly string[]) {
    this.home = home;
    this.state = join(home, "state");
    this.args = args;
  }

  start(): void {
    const args = [cli, "watch", ...this.args, "--state", this.state, "--source", "watched"];
    this.child = spawn(process.execPath, args, {
      stdio: "ignore",
      env: { PATH: process.env["PATH"], HOME: this.home },
    });
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (!child) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
  }
}

async function positions(path: string): Promise<string> {
  return await readFile(path, "utf8").catch(() => "");
}

it("counts each line of logs once, through 200 rotations, truncations, compressions and kill -9s", async (context) => {
  context.diagnostic(`TEST_SEED=${seed} makes the same choices again`);
  const random = new Random(seed);
  await using directory = await temporaryDirectory();
  const at = (name: string): string => join(directory.path, name);
  for (const name of ["data", "logs"]) await mkdir(at(name));
  using served = new TurnedLog(at("logs/clicks.ndjson"), random, objects);
  using watched = new TurnedLog(at("logs/access.log"), random, requests);
  const sources = JSON.stringify({ served: { files: [served.path] } });
  const options = {
    dataDir: at("data"),
    port: await freePort(),
    env: { CLICKTALLY_SOURCES: sources },
  };
  await using resources = new AsyncDisposableStack();
  let service = await ServiceProcess.start(options);
  resources.defer(() => service[Symbol.asyncDispose]());
  await using watcher = new Watcher(directory.path, [
    watched.path,
    "--url",
    service.url,
    "--format",
    "combined",
    "--request",
    "/c/{ad_id}",
  ]);
  watcher.start();

  /** Kills are to meet them at work: something is read, and more is there to read. */
  const whileItReads = async (log: TurnedLog, path: string): Promise<void> => {
    const before = await positions(path);
    log.write(random.between(200, 600));
    await eventually("some of it is read", async () =>
      (await positions(path)) === before ? undefined : true,
    );
    log.write(random.between(50, 300));
  };
  const all = Object.entries(steps).flatMap(([step, times]) =>
    Array.from({ length: times }, () => step as Step),
  );
  for (const step of random.shuffle(all)) {
    const log = random.chance(0.5) ? served : watched;
    log.write(random.below(60));
    if (step === "kill the watcher") {
      await whileItReads(watched, join(watcher.state, "watched.json"));
      await watcher.end("SIGKILL");
      watcher.start();
    } else if (step === "kill the service") {
      await whileItReads(served, at("data/sources/served.json"));
      await service.kill();
      service = await ServiceProcess.launch(options);
      await service.ready();
    } else await log.turn(step);
  }
  served.write(10);
  watched.write(10);

  interface Counts {
    readonly ads: readonly { readonly ad_id: string; readonly count: number }[];
  }
  const expected = new Map<string, number>();
  for (const log of [served, watched])
    for (const [ad, count] of log.expected) expected.set(ad, (expected.get(ad) ?? 0) + count);
  const clicks = served.clicks + watched.clicks;
  const counted = async (): Promise<Map<string, number>> => {
    const { ads } = await service.get<Counts>("/v1/top?topN=1000&window=3h");
    return new Map(ads.map(({ ad_id, count }) => [ad_id, count]));
  };
  const sum = (counts: ReadonlyMap<string, number>): number =>
    counts.values().reduce((total, count) => total + count, 0);
  await eventually(`${clicks} clicks are counted`, async () =>
    sum(await counted()) >= clicks ? true : undefined,
  ).catch(() => {});
  await watcher.end("SIGTERM");
  await service.caughtUp();
  // A difference is told by ad.
  assert.deepEqual([...(await counted())].toSorted(), [...expected].toSorted());

  interface Ledger {
    readonly balanced: boolean;
    readonly rows: readonly {
      readonly source: string;
      readonly counted: number;
      readonly restated: number;
      readonly duplicate: number;
      readonly invalid: number;
    }[];
  }
  const { rows, balanced } = await service.get<Ledger>("/v1/ledger?window=3h");
  assert.ok(balanced);
  for (const [source, log] of [
    ["served", served],
    ["http", watched],
  ] as const) {
    const own = rows.filter((row) => row.source === source);
    const total = (of: (row: (typeof own)[number]) => number): number =>
      own.reduce((all_, row) => all_ + of(row), 0);
    assert.equal(
      total((row) => row.counted + row.restated),
      log.clicks,
      source,
    );
    // What was sent again stands in it again.
    assert.ok(total((row) => row.invalid) >= log.badLines, source);
    context.diagnostic(
      `${source}: ${log.clicks} clicks, ${total((row) => row.duplicate)} sent again`,
    );
  }
});
