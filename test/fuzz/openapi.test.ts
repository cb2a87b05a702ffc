import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Agent } from "node:http";
import { after, before, describe, it } from "node:test";
import { Random } from "../../src/traffic/random.ts";
import { liveClicks } from "../support/live-clicks.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { jsonTokens } from "./click-dictionary.ts";
import { readCorpus } from "./corpus.ts";
import { Mutator } from "./mutate.ts";
import { nextPage } from "./openapi/cursors.ts";
import { checkAnswer } from "./openapi/check-answer.ts";
import { operationsOf } from "./openapi/document.ts";
import type { Operation } from "./openapi/document.ts";
import { exchange } from "./openapi/exchange.ts";
import { makeRequest } from "./openapi/requests.ts";
import type { GeneratedRequest } from "./openapi/requests.ts";
import { knownNames } from "./openapi/values.ts";

const requestsMax = 4000;
const connections = 8;
/** The service with its engines takes about 250 MB; what piled up of the requests would show beyond. */
const residentBytesMax = 600e6;

const env = {
  CLICKTALLY_LIMITS_BODY_BYTES: "64KB",
  CLICKTALLY_LIMITS_DECOMPRESSED_BYTES: "256KB",
  CLICKTALLY_LIMITS_ITEMS: "1000",
  CLICKTALLY_STORE_MEMORY: "128MB",
  CLICKTALLY_QUERY_HOT_BYTES: "16MB",
  CLICKTALLY_COMMIT_MAX_DELAY: "5ms",
};

describe("the running service under requests made from its own description", () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let service: ServiceProcess;
  let operations: Operation[];
  before(async () => {
    directory = await temporaryDirectory();
    service = await ServiceProcess.start({ dataDir: directory.path, env });
    operations = operationsOf(await service.get("/openapi.json"));
    await addTraffic(service);
  });
  after(async () => {
    await service[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  it("knows every parameter by a good value, so that none is left untried", () => {
    const named = operations.flatMap(({ parameters }) => parameters.map(({ name }) => name));
    assert.deepEqual(
      named.filter((name) => !knownNames.includes(name)),
      [],
    );
    assert.ok(operations.length >= 16 && named.length >= 50);
  });

  it("answers each as documented, never with an error of its own, and in time", async (t) => {
    const seed = Number(process.env["FUZZ_SEED"] ?? 1);
    const seconds = Number(process.env["FUZZ_SECONDS"] ?? 0);
    const corpus = ["json", "ndjson", "click-batch"].flatMap(readCorpus).map(({ bytes }) => bytes);
    const agent = new Agent({ keepAlive: true, maxSockets: connections });
    const tally = new Map<string, number>();
    const startMs = performance.now();
    let count = 0;
    const isOver = (): boolean =>
      seconds > 0 ? performance.now() - startMs > seconds * 1000 : count >= requestsMax;
    const sendMany = async (): Promise<void> => {
      while (!isOver()) {
        const operation = operations[count++ % operations.length]!;
        // Of its own: the answers come in any order, and must not change what is asked next.
        const random = new Random(seed * 1e6 + count);
        const mutator = new Mutator({ random, corpus, dictionary: jsonTokens });
        const first = makeRequest(operation, random, mutator);
        for (let request: GeneratedRequest | undefined = first; request;) {
          try {
            const answer = await exchange(service.url, agent, request);
            const word = checkAnswer(operations, operation, request, answer);
            tally.set(word, (tally.get(word) ?? 0) + 1);
            request = request === first ? nextPage(request, answer, random) : undefined;
          } catch (cause) {
            throw new Error(`seed ${seed}, request ${count}: ${shown(request!)}`, { cause });
          }
        }
      }
    };
    await Promise.all(Array.from({ length: connections }, sendMany));
    agent.destroy();
    t.diagnostic(
      `${count} requests in ${Math.round(performance.now() - startMs)} ms: ${told(tally)}`,
    );
    for (const status of ["200", "400", "404", "413", "415"])
      assert.ok(tally.get(status)! > 5, `${status}: ${tally.get(status)}`);
  });

  it("has not grown beyond its bounds, counts a good click once, and its books are right", async (t) => {
    const resident = residentBytes(service);
    t.diagnostic(`${Math.round(resident / 1e6)} MB resident, once at most ${peakMb(service)} MB`);
    assert.ok(resident < residentBytesMax, `${resident} bytes resident`);
    await assertCountsOnce(service);
    await assertBooksAreRight(service);
    assert.doesNotMatch(service.stderr, /"level":(?:50|60)/, "it has logged an error");
  });
});

async function addTraffic(service: ServiceProcess): Promise<void> {
  const options = { count: 2000, duplicateShare: 0.05, shuffledOverMs: 1000 };
  const clicks = liveClicks(1, { ...options, endMs: Date.now(), spanMs: 600_000 });
  for (let at = 0; at < clicks.length; at += 200) {
    const lines = clicks.slice(at, at + 200).map((click) => JSON.stringify(click));
    const { status } = await service.post("/v1/clicks", lines.join("\n"));
    assert.equal(status, 200);
  }
  await service.caughtUp();
}

async function assertCountsOnce(service: ServiceProcess): Promise<void> {
  const ad_id = "counted-once";
  const click = JSON.stringify({ ad_id, click_timestamp: Date.now(), event_id: "only" });
  type Outcomes = { readonly counted: number; readonly duplicates: number };
  for (const [counted, duplicates] of [
    [1, 0],
    [0, 1],
  ]) {
    const { status, body } = await service.post<Outcomes>("/v1/clicks?wait=counted", click);
    assert.equal(status, 200);
    assert.deepEqual([body.counted, body.duplicates], [counted, duplicates]);
  }
  const { count } = await service.get<{ count: number }>(
    `/v1/ads/${ad_id}/aggregated_count?window=10`,
  );
  assert.equal(count, 1);
}

async function assertBooksAreRight(service: ServiceProcess): Promise<void> {
  await service.caughtUp();
  const ledger = await service.get<{ balanced: boolean; total: { received: number } }>(
    "/v1/ledger?window=2h",
  );
  assert.ok(ledger.balanced && ledger.total.received > 2000);
  interface Audit {
    readonly differing_rows: number;
    readonly compared_clicks: number;
    readonly ledger_balanced: boolean;
  }
  const { body } = await service.post<Audit>("/v1/admin/audit", "{}", "application/json");
  assert.deepEqual([body.differing_rows, body.ledger_balanced], [0, true]);
  assert.ok(body.compared_clicks > 2000);
}

function residentBytes({ child }: ServiceProcess): number {
  return kilobytesOf(child.pid!, "VmRSS") * 1024;
}

function peakMb({ child }: ServiceProcess): number {
  return Math.round(kilobytesOf(child.pid!, "VmHWM") / 1000);
}

function kilobytesOf(pid: number, name: string): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)![1]);
}

function told(tally: ReadonlyMap<string, number>): string {
  return [...tally]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([word, times]) => `${word} ${times}`)
    .join(", ");
}

function shown({ method, target, headers, body }: GeneratedRequest): string {
  const text = body && Buffer.from(body.subarray(0, 2000)).toString("latin1");
  return JSON.stringify({ method, target: target.slice(0, 2000), headers, body: text });
}
