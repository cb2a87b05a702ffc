import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { loadSettings } from "../../src/config.ts";
import { dayMs } from "../../src/model/time.ts";
import { moveIntoCluster } from "../../src/roles/move.ts";
import { deathAt, point } from "../crash/death-point.ts";
import { ClickHouseServer } from "../support/clickhouse-server.ts";
import { eventually } from "../support/eventually.ts";
import type { SentClick } from "../support/live-clicks.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { isCoded } from "../support/queue-records.ts";
import { patchedEnvironment } from "../support/source-patches.ts";
import type { SourcePatch } from "../support/source-patches.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { KafkaCluster, missingForKafka } from "./kafka-cluster.ts";
import type { Story, Told } from "./told-story.ts";
import { askAll, clicksOf, identitiesOf, settingsText, storyEnv, tellStory } from "./told-story.ts";

const cli = resolve(import.meta.dirname, "../../src/cli.ts");

const target = "src/store/clickhouse/move-target.ts";
const copy = "src/migrate/copy-store.ts";
/** In the order in which a move passes them; each dies at a pass of the place. */
const deaths = [
  [point("days are there, not noted", copy, "before", "  await target.noteStep(step);"), 1],
  [point("of other days clicks are there alone", copy, "before", "  await target.addMinutes("), 2],
  [
    point(
      "the books are half there",
      target,
      "before",
      "    await this.insert(table, blocksOfRows(table, rows));\n  }\n\n  /** While",
    ),
    8,
  ],
  [
    point("one is marked, the other no store", target, "before", "    await writeOrderSnapshot("),
    1,
  ],
  [point("the order has begun", target, "before", "    await addMeta(database, [[movedName"), 1],
] as const;

/** So that there is more than one of all that is done in pieces. */
const smallPieces: readonly SourcePatch[] = [
  {
    file: "src/store/duckdb/moves.ts",
    find: "spanRowsMax = 200_000",
    replace: "spanRowsMax = 1_000",
  },
  {
    file: "src/migrate/compare-stores.ts",
    find: "const pageRows = 50_000",
    replace: "const pageRows = 400",
  },
  {
    file: "src/migrate/compare-stores.ts",
    find: "journalPageRows = 10_000",
    replace: "journalPageRows = 50",
  },
];

interface Run {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

const missing = await missingForKafka();

if (missing === undefined)
  describe("a data directory that is moved into a cluster", () => {
    let brokers: KafkaCluster;
    let store: ClickHouseServer;
    let story: Story;
    let told: Told;
    const resources = new AsyncDisposableStack();
    let root: string;
    let early: readonly SentClick[] = [];
    before(async () => {
      root = resources.use(await temporaryDirectory()).path;
      for (const name of ["small", "large", "early"]) await mkdir(join(root, name));
      [brokers, store] = await Promise.all([KafkaCluster.start(1), ClickHouseServer.start()]);
      resources.use(brokers);
      resources.use(store);
      ({ story, told } = await tellStory(join(root, "small"), 2));
      await writeFile(join(root, "large", "clicktally.yaml"), settingsText);
    });
    after(async () => {
      await resources.disposeAsync();
    });

    const clusterEnv = (more: Record<string, string> = {}): Record<string, string> => ({
      ...storyEnv,
      CLICKTALLY_DATA_DIR: join(root, "large"),
      CLICKTALLY_QUEUE_KIND: "kafka",
      CLICKTALLY_QUEUE_BROKERS: brokers.brokers.join(","),
      CLICKTALLY_QUEUE_TOPIC: "moved",
      CLICKTALLY_QUEUE_REPLICAS: "1",
      CLICKTALLY_QUEUE_PARTITIONS: "3",
      CLICKTALLY_STORE_KIND: "clickhouse",
      CLICKTALLY_STORE_URLS: store.url,
      CLICKTALLY_STORE_DATABASE: "moved",
      ...more,
    });

    const migrate = (
      from: string,
      more: Record<string, string> = {},
      patches: readonly SourcePatch[] = [],
    ): Promise<Run> =>
      new Promise((ended) => {
        const env = {
          PATH: process.env["PATH"],
          ...clusterEnv(more),
          ...patchedEnvironment([...smallPieces, ...patches]),
        };
        const options = { env, cwd: join(root, "large") };
        const args = [cli, "migrate", "--from", join(root, from)];
        const child = execFile(process.execPath, args, options, (_, stdout, stderr) =>
          ended({ code: child.exitCode, signal: child.signalCode, stdout, stderr }),
        );
      });

    const refusal = async (dataDir: string, env: Record<string, string>): Promise<string> => {
      await using service = await ServiceProcess.launch({ dataDir, env });
      assert.equal((await service.endedByItself()).code, 3);
      return service.stderr;
    };

    it("is not served half moved, from either side, whenever the move is killed, and goes on", async () => {
      early = clicksOf(13, Date.now(), 20, { click_timestamp: Date.now() });
      for (const [i, [death, pass]] of deaths.entries()) {
        const run = await migrate("small", {}, [deathAt(death, pass)]);
        assert.equal(run.signal, "SIGKILL", `${death.label}: ${run.stdout}${run.stderr}`);
        if (i === 2) {
          // Clicks may come in already.
          await using ingest = await ServiceProcess.start({
            dataDir: join(root, "early"),
            env: clusterEnv({ CLICKTALLY_ROLE: "ingest" }),
          });
          const lines = early.map((click) => JSON.stringify(click)).join("\n");
          assert.equal((await ingest.post("/v1/clicks", lines)).status, 200);
        }
        if (i !== 0 && i !== 3) continue;
        assert.match(
          await refusal(join(root, "large"), clusterEnv()),
          /is being moved into the database moved/,
        );
        if (i === 3)
          assert.match(
            await refusal(join(root, "small"), { CLICKTALLY_QUEUE_PARTITIONS: "2" }),
            /was moved to the database moved/,
          );
      }
      const run = await migrate("small");
      assert.equal(run.code, 0, run.stdout + run.stderr);
      assert.match(
        run.stdout,
        /no differences\n.* is moved as of commit \d+, from 2 to 3 partitions/,
      );
    });

    it("tells the same of all that was, counts what waited, and knows each click again", async () => {
      await using service = await ServiceProcess.start({
        dataDir: join(root, "large"),
        env: clusterEnv(),
      });
      const post = async (path: string, body: object): Promise<Record<string, number>> => {
        const text = JSON.stringify(body);
        const answer = await service.post<Record<string, number>>(path, text, "application/json");
        assert.equal(answer.status, 200, `${path}: ${JSON.stringify(answer.body)}`);
        return answer.body;
      };
      const send = (clicks: readonly object[]) => post("/v1/clicks?wait=counted", clicks);
      const resultOf = async (what: string, body: object): Promise<unknown> =>
        ((await post(`/v1/admin/${what}`, body)) as Record<string, unknown>)["result"];
      for (const [question, answer] of await askAll(service, story))
        assert.deepEqual(answer, told.get(question), question);

      for (const clicks of [story.recent, story.waiting, early]) {
        const { counted, duplicates } = await send(clicks);
        assert.deepEqual([counted, duplicates], [0, clicks.length]);
      }
      const now = { click_timestamp: Date.now() };
      const { counted } = await send(clicksOf(12, now.click_timestamp, 30, now));
      assert.equal(counted, 30);

      const identities = identitiesOf(story.recent.slice(0, 7));
      const changed = { changed: 7, unchanged: 0, not_found: 0 };
      assert.deepEqual(await resultOf("void", identities), changed);
      assert.deepEqual(await resultOf("void", { ...identities, undo: true }), changed);
      const [from, to] = story.heldMs;
      const held = await service.get<{ rows: unknown[] }>(
        `/v1/quarantine?limit=1000&from=${from}&to=${to}`,
      );
      assert.ok(held.rows.length > 0);
      assert.deepEqual(await resultOf("release", { from, to, reason: "let in" }), {
        released: held.rows.length,
        duplicates: 0,
      });
      const recompute = { from, to, reason: "to see", apply: true };
      const { buckets, change } = await post("/v1/admin/recompute", recompute);
      assert.deepEqual([buckets, change], [0, 0]);
      const users = story.recent.slice(0, 20).map((click) => click["user_id"]);
      await post("/v1/admin/erase", { field: "user_id", values: users, reason: "asked" });
      const left = await service.get<{ rows: unknown[] }>(
        `/v1/breakdown?by=user_id&from=${story.toMs - 2 * dayMs}&to=${Date.now()}&filter=user_id=in=(${users.join(",")})`,
      );
      assert.deepEqual(left.rows, []);
      const changes = await fetch(`${service.url}/v1/changes?follow=false&since=${story.asOf}`);
      assert.equal(changes.status, 200, await changes.text());
      const audit = await post("/v1/admin/audit", {});
      assert.deepEqual([audit["differing_rows"], audit["ledger_balanced"]], [0, true]);
    });

    it("lets its days go with those of now", async () => {
      const clicks = (): Promise<string> =>
        store.query(`SELECT count() FROM moved.click WHERE click_timestamp < ${story.sealedMs}`);
      assert.notEqual(await clicks(), "0");
      await using service = await ServiceProcess.start({
        dataDir: join(root, "large"),
        env: clusterEnv({ CLICKTALLY_RETENTION_RAW: "1d" }),
      });
      await eventually("they are deleted", async () => (await clicks()) === "0" || undefined);
      const audit = await service.post<{ differing_rows: number }>(
        "/v1/admin/audit",
        "{}",
        "application/json",
      );
      assert.equal(audit.body.differing_rows, 0);
    });

    it("is moved once, and nothing else into its place", async () => {
      const again = await migrate("small");
      assert.deepEqual([again.code, again.stderr], [0, ""]);
      assert.match(again.stdout, /was moved before/);
      const dataDir = join(root, "other");
      await mkdir(dataDir);
      {
        await using other = await ServiceProcess.start({ dataDir });
        const click = { ad_id: "a", click_timestamp: Date.now() };
        await other.post("/v1/clicks?wait=counted", JSON.stringify(click));
      }
      const refused = async (what: RegExp, more: Record<string, string> = {}): Promise<void> => {
        const settings = loadSettings({ env: clusterEnv(more) });
        const options = { from: dataDir, onProgress: () => {}, onProblem: () => {} };
        await assert.rejects(moveIntoCluster(settings, options), isCoded("already_exists", what));
      };
      await refused(/another data directory was moved into the database moved/);
      await refused(/topic moved, .* has records/, { CLICKTALLY_STORE_DATABASE: "fresh" });
      // A copy that is not right is found, and then nothing is moved.
      const place = { CLICKTALLY_STORE_DATABASE: "bent", CLICKTALLY_QUEUE_TOPIC: "bent" };
      const bent = await migrate("other", place, [
        {
          file: "src/store/clickhouse/moved-blocks.ts",
          find: "number(chunk.counts[row]!)",
          replace: "number(chunk.counts[row]! + 1)",
        },
      ]);
      assert.equal(bent.code, 1, bent.stderr);
      assert.match(bent.stdout, /counted again 1, told 2\n.*DIFFERENCES, nothing is moved/s);
      assert.ok(!existsSync(join(dataDir, "moved.json")));
    });
  });
