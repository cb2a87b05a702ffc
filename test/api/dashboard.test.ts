import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { describe, it } from "node:test";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { readDashboard } from "../../src/api/dashboard-files.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { problemOf, startHttpSide } from "./harness.ts";

const script = "console.log('a dashboard');\n".repeat(50);

/** As the build leaves it. */
function writeDashboard(directory: string): void {
  mkdirSync(join(directory, "assets"));
  writeFileSync(join(directory, "index.html"), "<!doctype html><title>clicktally</title>");
  const path = join(directory, "assets/index-abc.js");
  writeFileSync(path, script);
  writeFileSync(`${path}.gz`, gzipSync(script));
  writeFileSync(`${path}.br`, brotliCompressSync(script));
  writeFileSync(join(directory, "assets/notes.txt"), "not of the page");
}

/** As it is on the wire: `fetch` would decode it. */
async function ask(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    get(url, { headers }, (response) => {
      response.resume();
      resolve(response);
    }).on("error", reject);
  });
}

async function serving() {
  const directory = await temporaryDirectory();
  writeDashboard(directory.path);
  const dashboard = readDashboard(directory.path)!;
  await directory[Symbol.asyncDispose]();
  return await startHttpSide({}, { dashboard });
}

describe("the dashboard's files", () => {
  it("are served at / under a policy that lets nothing in from elsewhere", async () => {
    await using side = await serving();
    const response = await fetch(`${side.url}/?view=ad&ad_id=x`);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "text/html; charset=utf-8");
    assert.equal(response.headers.get("cache-control"), "no-cache");
    assert.match(await response.text(), /<title>clicktally/);
    const policy = response.headers.get("content-security-policy")!;
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/);
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
  });

  for (const [accept, encoding] of [
    ["gzip, deflate, br, zstd", "br"],
    ["gzip;q=0.8", "gzip"],
    ["gzip, br;q=0", "gzip"],
    ["", undefined],
  ] as const) {
    it(`go out as ${encoding ?? "they are"} to who accepts '${accept}', for ever`, async () => {
      await using side = await serving();
      const url = `${side.url}/assets/index-abc.js`;
      const { headers } = await ask(url, { "accept-encoding": accept });
      assert.equal(headers["content-encoding"], encoding);
      assert.equal(headers["content-type"], "text/javascript; charset=utf-8");
      assert.equal(headers["cache-control"], "public, max-age=31536000, immutable");
      assert.equal(headers["vary"], "accept-encoding");
    });
  }

  it("are not sent again to who has them, and have another tag in every encoding", async () => {
    await using side = await serving();
    const url = `${side.url}/assets/index-abc.js`;
    const tags = await Promise.all(
      ["br", "gzip", "identity"].map(
        async (accept) => (await ask(url, { "accept-encoding": accept })).headers.etag!,
      ),
    );
    assert.equal(new Set(tags).size, 3);
    for (const tag of tags) assert.match(tag, /^"[\w-]{22}"$/);
    const known = await ask(url, { "accept-encoding": "gzip", "if-none-match": tags[1]! });
    assert.deepEqual([known.statusCode, known.headers["content-length"]], [304, undefined]);
    const changed = await ask(url, { "accept-encoding": "gzip", "if-none-match": tags[0]! });
    assert.equal(changed.statusCode, 200);
  });

  it("answer HEAD, and are nothing but what the build has made", async () => {
    await using side = await serving();
    const head = await fetch(`${side.url}/`, { method: "HEAD" });
    assert.deepEqual([head.status, await head.text()], [200, ""]);
    for (const path of ["assets/notes.txt", "assets/..%2findex.html", "index.html"]) {
      const problem = await problemOf(await fetch(`${side.url}/${path}`));
      assert.deepEqual([problem.status, problem.code], [404, "not_found"], path);
    }
  });
});

describe("a service without a built dashboard", () => {
  it("says so in plain words", async () => {
    await using side = await startHttpSide();
    const response = await fetch(`${side.url}/`);
    assert.equal(response.status, 200);
    assert.match(response.headers.get("content-type")!, /^text\/plain/);
    assert.match(await response.text(), /dashboard is not built here: npm run dashboard/);
  });

  it("finds none where the folder is empty or missing", async () => {
    await using directory = await temporaryDirectory();
    assert.equal(readDashboard(directory.path), undefined);
    assert.equal(readDashboard(join(directory.path, "none")), undefined);
  });

  it("names the role that has one, where its own does not answer queries", async () => {
    const flags = { role: "ingest", "queue.kind": "kafka", "queue.brokers": "localhost:9092" };
    await using side = await startHttpSide(flags);
    const problem = await problemOf(await fetch(`${side.url}/`));
    assert.deepEqual([problem.status, problem.code, problem["role"]], [421, "other_role", "query"]);
  });
});
