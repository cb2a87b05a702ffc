import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { parse } from "csv-parse/sync";
import { systemClock } from "../../src/clock/system-clock.ts";
import { Ingest } from "../../src/ingest/accept.ts";
import { openSqliteQueueWriter } from "../../src/queue/sqlite/writer.ts";
import { testSettings } from "../ingest/ingest-harness.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { addToMinuteCounts } from "../support/store-sql.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { runCommand } from "./run-command.ts";

/** Leaves clicks in the queue of a stopped service, durable but counted by nobody yet. */
async function appendToQueue(path: string, clickCount: number): Promise<void> {
  const queue = await openSqliteQueueWriter({ path, partitionCount: 1, maxBytes: 1e9 });
  const ingest = new Ingest(queue, systemClock, testSettings);
  const clicks = Array.from({ length: clickCount }, (_, i) => {
    return { ad_id: "a", click_timestamp: Date.now(), event_id: `left-${i}` };
  });
  const bytes = new TextEncoder().encode(JSON.stringify(clicks));
  const body = { contentType: "application/json", contentEncoding: "identity", source: "test" };
  const { accepted } = await ingest.accept({ ...body, bytes, history: false });
  assert.equal(accepted, clickCount);
  await ingest[Symbol.asyncDispose]();
  await queue[Symbol.asyncDispose]();
}

describe("the command line", () => {
  it("exits 0 where help or the version is asked for", async () => {
    const version = await runCommand(["--version"]);
    assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
    assert.equal(version.exitCode, 0);
    const help = await runCommand(["--help"]);
    assert.equal(help.exitCode, 0);
    for (const name of [
      "serve",
      "demo",
      "import",
      "link",
      "send",
      "query",
      "changes",
      "audit",
      "void",
      "release",
      "close",
      "statement",
      "backup",
      "restore",
      "export",
      "status",
      "prove",
      "config",
    ]) {
      assert.match(help.stdout, new RegExp(`^  ${name}\\b`, "m"));
    }
  });

  const wrong: readonly (readonly [string, readonly string[]])[] = [
    ["nothing", []],
    ["an unknown command", ["nosuch"]],
    ["an unknown option", ["query", "top", "--nosuch"]],
    ["a missing argument", ["query", "count"]],
    ["options that exclude each other", ["query", "top", "--json", "--csv"]],
    ["a wrong setting", ["serve", "--port", "http"]],
    ["a configuration file that is not there", ["serve", "--config", "/nowhere.yaml"]],
  ];
  for (const [what, args] of wrong) {
    it(`exits 2 where it is given ${what}`, async () => {
      const { exitCode, stderr } = await runCommand(args);
      assert.equal(exitCode, 2, stderr);
      assert.notEqual(stderr, "");
      assert.doesNotMatch(stderr, /^\s+at /m);
    });
  }

  it("exits 3 where the service does not answer", async () => {
    const { exitCode, stderr } = await runCommand(["query", "top", "--url", "http://127.0.0.1:1"]);
    assert.equal(exitCode, 3);
    assert.match(stderr, /127\.0\.0\.1:1 does not answer/);
  });
});

describe("config check", () => {
  it("lists every setting with its origin", async () => {
    await using directory = await temporaryDirectory();
    await writeFile(join(directory.path, "clicktally.yaml"), "late: quarantine\n");
    const { exitCode, stdout } = await runCommand(["config", "check", "--port", "0"], {
      cwd: directory.path,
      env: { CLICKTALLY_DEDUP_HORIZON: "48h" },
    });
    assert.equal(exitCode, 0);
    assert.match(stdout, /^late +clicktally\.yaml:1 +quarantine$/m);
    assert.match(stdout, /^port +--port +0$/m);
    assert.match(stdout, /^dedup\.horizon +CLICKTALLY_DEDUP_HORIZON +2d$/m);
    assert.match(stdout, /^host +default +127\.0\.0\.1$/m);
  });

  it("exits 1 and tells everything that is wrong", async () => {
    const args = ["config", "check", "--port", "x", "--late", "y"];
    const { exitCode, stderr } = await runCommand(args);
    assert.equal(exitCode, 1);
    assert.match(stderr, /--port: port is 'x'/);
    assert.match(stderr, /--late: late is 'y'/);
    const json = await runCommand([...args, "--json"]);
    const { valid, problems } = JSON.parse(json.stdout) as { valid: boolean; problems: string[] };
    assert.deepEqual([json.exitCode, valid, problems.length], [1, false, 2]);
  });
});

describe("commands on a running service", () => {
  const stack = new AsyncDisposableStack();
  let service: ServiceProcess;
  let dataDir: string;
  before(async () => {
    dataDir = stack.use(await temporaryDirectory()).path;
    service = stack.use(await ServiceProcess.start({ dataDir }));
    const clicks = ["US", "US", "DE"].map((country, i) => ({
      ad_id: country === "US" ? "a/1" : "\u001b[31mred",
      click_timestamp: Date.now(),
      event_id: `e${i}`,
      country,
    }));
    const { status } = await service.post(
      "/v1/clicks?wait=counted",
      JSON.stringify(clicks),
      "application/json",
    );
    assert.equal(status, 200);
  });
  after(() => stack.disposeAsync());

  const run = (...args: string[]) => runCommand(args, { env: { CLICKTALLY_URL: service.url } });

  it("count ads as a table, as JSON and as CSV", async () => {
    const table = await run("query", "count", "a/1", "none");
    assert.equal(table.exitCode, 0, table.stderr);
    assert.match(
      table.stdout,
      /^ad_id +from +count +status +revision\na\/1 +\S+ +2 +provisional +0\nnone +\S+ +0 /,
    );
    const json = await run("query", "count", "a/1", "none", "--json", "--filter", "country==US");
    const counts = json.stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { count: number }).count);
    assert.deepEqual(counts, [2, 0]);
    const csv = await run(
      "query",
      "count",
      "a/1",
      "none",
      "--csv",
      "--window",
      "2",
      "--granularity",
      "minute",
    );
    const rows = parse(csv.stdout, { columns: true }) as { ad_id: string }[];
    assert.deepEqual(
      rows.map((row) => row.ad_id),
      ["a/1", "a/1", "none", "none"],
    );
  });

  it("rank ads, without letting an ad's name steer the terminal", async () => {
    const { exitCode, stdout } = await run("query", "top", "--top", "5");
    assert.equal(exitCode, 0);
    assert.match(stdout, /^rank {2}ad_id +count\n +1 {2}a\/1 +2\n +2 {2}\\u\{1b\}\[31mred +1\n/);
    assert.ok(!stdout.includes("\u001b"));
  });

  it("break counts down over all pages, or one", async () => {
    const all = await run("query", "breakdown", "--by", "ad_id,country", "--csv");
    const rows = parse(all.stdout, { columns: true }) as object[];
    assert.deepEqual(rows, [
      { ad_id: "\u001b[31mred", country: "DE", count: "1" },
      { ad_id: "a/1", country: "US", count: "2" },
    ]);
    const page = await run("query", "breakdown", "--by", "country", "--limit", "1");
    assert.match(page.stdout, /^country +count\nDE +1\n/);
    const cursor = /--cursor (\S+)/.exec(page.stderr)![1]!;
    const next = await run(
      "query",
      "breakdown",
      "--by",
      "country",
      "--limit",
      "1",
      "--cursor",
      cursor,
    );
    assert.match(next.stdout, /^country +count\nUS +2\n/);
  });

  it("explain a count click by click, over all pages, or one", async () => {
    const table = await run("query", "explain", "a/1", "--filter", "country==US");
    assert.equal(table.exitCode, 0, table.stderr);
    assert.match(
      table.stdout,
      /^click_timestamp +event_id +outcome +received_at +source +in log at +country .* original\n\S+ +e0 +counted .* US .*\n\S+ +e1 +counted .*\n\na\/1 got 2: counted 2, duplicate 0, .*\n\n.* where country==US: provisional/,
    );
    const csv = await run("query", "explain", "a/1", "--csv");
    const rows = parse(csv.stdout, { columns: true }) as Record<string, string>[];
    assert.deepEqual(
      rows.map((row) => [row["event_id"], row["dimensions.country"]]),
      [
        ["e0", "US"],
        ["e1", "US"],
      ],
    );
    const page = await run("query", "explain", "a/1", "--csv", "--limit", "1");
    const cursor = /--cursor (\S+)/.exec(page.stderr)![1]!;
    const next = await run("query", "explain", "a/1", "--json", "--limit", "1", "--cursor", cursor);
    const { clicks, next_cursor } = JSON.parse(next.stdout) as {
      clicks: { event_id: string }[];
      next_cursor: string | null;
    };
    assert.deepEqual([clicks.map(({ event_id }) => event_id), next_cursor], [["e1"], null]);
    const none = await run("query", "explain", "none");
    assert.equal(none.exitCode, 0);
    assert.match(none.stdout, /\nnone got 0: counted 0, /);
  });

  it("list what was restated, also of one ad", async () => {
    for (const ad of [[], ["a/1"]]) {
      const table = await run("query", "restatements", ...ad);
      assert.equal(table.exitCode, 0, table.stderr);
      assert.match(
        table.stdout,
        /^minute +ad_id +before +after +revision +reason +received_at +as_of\n\nas of commit \d+\n$/,
      );
    }
    const wrong = await run("query", "restatements", "--limit", "0");
    assert.equal(wrong.exitCode, 2);
    assert.match(wrong.stderr, /limit/);
  });

  it("show the ledger and the status", async () => {
    const ledger = await run("query", "ledger");
    assert.match(ledger.stdout, /\ntotal +3 +3 +0 +0 +0 +0 +0 +0\nbalanced\n$/);
    const status = await run("status");
    assert.match(status.stdout, /^status +ready/);
    assert.match(status.stdout, /received +3: counted 3, duplicate 0/);
    assert.match(
      status.stdout,
      /^ledger +balanced\naudit +(?:no minute checked|\d+ minutes checked)/m,
    );
    const json = await run("status", "--json");
    assert.equal((JSON.parse(json.stdout) as { status: string }).status, "ready");
  });

  it("exit 2 where the service finds the question wrong", async () => {
    const { exitCode, stderr } = await run("query", "top", "--filter", "contry==US");
    assert.equal(exitCode, 2);
    assert.match(stderr, /'contry' is not known/);
  });

  it("audit through the service, and say so where its directory is asked for", async () => {
    const remote = await run("audit", "--url", service.url);
    assert.deepEqual([remote.exitCode, remote.stderr], [0, ""]);
    assert.match(remote.stdout, /of 3 clicks\nno differences\nthe ledger balances\n$/);
    const sample = ["audit", "--url", service.url, "--sample", "3", "--seed", "7"];
    const sampled = await run(...sample);
    assert.equal(sampled.exitCode, 0, sampled.stderr);
    assert.match(sampled.stdout, /^a sample of [1-3] minutes, seed 7\n.*\nno differences\n/);
    // Ticks are commits too.
    const withoutCommit = (text: string): string => text.replace(/as of commit \d+/, "");
    assert.equal(withoutCommit((await run(...sample)).stdout), withoutCommit(sampled.stdout));
    const wrong = await run("audit", "--url", service.url, "--seed", "7");
    assert.equal(wrong.exitCode, 2);
    assert.match(wrong.stderr, /seed: goes with sample only/);
    const local = await run("audit", "--data-dir", dataDir);
    assert.equal(local.exitCode, 3);
    assert.match(local.stderr, /--url/);
  });
});

describe("serve", () => {
  it("ends with 0 at SIGTERM; then its directory can be audited, and what differs exits 1", async () => {
    await using directory = await temporaryDirectory();
    // Nothing is wrong, so that nothing is told.
    const env = { CLICKTALLY_LOG_LEVEL: "warn" };
    const service = await ServiceProcess.start({ dataDir: directory.path, env });
    const click = { ad_id: "a", click_timestamp: Date.now(), event_id: "e" };
    await service.post("/v1/clicks", JSON.stringify(click), "application/json");
    await service[Symbol.asyncDispose]();
    assert.deepEqual([service.child.exitCode, service.stderr], [0, ""]);
    await appendToQueue(join(directory.path, "queue.sqlite"), 50_000);
    const audit = await runCommand(["audit", "--data-dir", directory.path, "--json"]);
    assert.equal(audit.exitCode, 0, audit.stderr);
    const answer = JSON.parse(audit.stdout) as { compared_clicks: number; differing_rows: number };
    assert.deepEqual([answer.compared_clicks, answer.differing_rows], [50_001, 0]);

    await addToMinuteCounts(join(directory.path, "store.duckdb"), 1);
    const found = await runCommand(["audit", "--data-dir", directory.path]);
    assert.equal(found.exitCode, 1, found.stderr);
    assert.match(found.stdout, /[1-9]\d* ROWS DIFFER/);
    const sample = await runCommand(["audit", "--data-dir", directory.path, "--sample", "10000"]);
    assert.equal(sample.exitCode, 1, sample.stderr);
    assert.match(sample.stdout, /^a sample of \d+ minutes, seed \d+\n/);
  });

  it("exits 3 where another service has the directory", async () => {
    await using directory = await temporaryDirectory();
    await using service = await ServiceProcess.start({ dataDir: directory.path });
    const args = ["serve", "--port", "0", "--log-level", "warn", "--data-dir", directory.path];
    const second = await runCommand(args);
    assert.equal(second.exitCode, 3);
    assert.match(second.stderr, /^clicktally: .*\n$/);
    assert.ok((await fetch(`${service.url}/healthz`)).ok);
  });
});
