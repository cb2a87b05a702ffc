import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import type { Packed } from "./package-files.ts";
import { pack, run } from "./package-files.ts";

/** The oldest release line of Node that the package runs on. */
const olderNode = "node@22";

describe("the npm package", () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let packed: Packed;
  let home: string;
  /** What npm said when it installed it. */
  let installing: string;
  /** This Node, and the oldest. */
  let nodes: readonly string[];
  let version: string;

  before(async () => {
    directory = await temporaryDirectory();
    packed = await pack(directory.path);
    home = join(directory.path, "home");
    const older = join(directory.path, "older");
    for (const path of [home, older]) await mkdir(path);
    const install = ["npm", "install", "--prefer-offline"] as const;
    const [said] = await Promise.all([
      run(home, [...install, packed.tarball]),
      run(older, [...install, olderNode]),
    ]);
    installing = said.stdout + said.stderr;
    nodes = [process.execPath, join(older, "node_modules/node/bin/node")];
    const file = await readFile(join(home, "node_modules/clicktally/package.json"), "utf8");
    ({ version } = JSON.parse(file) as { version: string });
  });

  after(() => directory[Symbol.asyncDispose]());

  it("holds the built program, the dashboard, what deploys it and its papers, and no more", () => {
    const paths = packed.files.map(({ path }) => path);
    for (const path of [
      "dist/cli.js",
      "dist/threads/engine-thread.js",
      "dist/dashboard/index.html",
      "docs/operations.md",
      "ops/compose.yaml",
      "Dockerfile",
      "README.md",
      "LICENSE",
      "CHANGELOG.md",
    ])
      assert.ok(paths.includes(path), path);
    const strange = paths.filter(
      (path) =>
        !/^(?:dist|docs|ops)\//.test(path) &&
        !/^(?:package\.json|Dockerfile|\.dockerignore|[A-Z]+(?:\.md)?)$/.test(path),
    );
    assert.deepEqual(strange, []);
    assert.deepEqual(
      paths.filter((path) => /(?<!\.d)\.ts$|\.map$|^docs\/.*\//.test(path)),
      [],
    );
    assert.ok(packed.size < 1.5e6, `${packed.size} bytes`);
    assert.ok(packed.unpackedSize < 5e6, `${packed.unpackedSize} bytes unpacked`);
  });

  it("is installed without a script to approve, and without a warning", () => {
    assert.match(installing, /added \d+ packages/);
    assert.doesNotMatch(installing, /warn|script|deprecated/i);
  });

  it("tells its version and its commands on the newest and on the oldest Node", async () => {
    assert.match((await run(home, ["node", "--version"], nodes[1])).stdout, /^v22\./);
    for (const node of nodes) {
      const told = await run(home, ["npx", "--offline", "clicktally", "--version"], node);
      assert.deepEqual(told, { stdout: `${version}\n`, stderr: "" });
      const { stdout } = await run(home, ["npx", "--offline", "clicktally", "--help"], node);
      assert.match(stdout, /^ {2}serve\b/m);
    }
  });

  it("demonstrates itself on both", async () => {
    const demo = ["npx", "--offline", "clicktally", "demo", "--once", "--duration", "4"] as const;
    const told = await Promise.all(nodes.map((node) => run(home, demo, node)));
    for (const { stdout, stderr } of told) {
      assert.match(stdout, /^sent [\d,]+ .* lost 0 twice 0 balanced$/m);
      assert.equal(stderr, "");
    }
  });

  it("serves with its dashboard on the oldest, and warns of nothing", async () => {
    const dataDir = join(directory.path, "data");
    await mkdir(dataDir);
    const program = [nodes[1]!, join(home, "node_modules/clicktally/dist/cli.js"), "serve"];
    await using service = await ServiceProcess.start({ dataDir, program });
    const page = await fetch(service.url);
    assert.match(await page.text(), /<script type="module"/);
    const answer = await service.post(
      "/v1/clicks",
      '{"ad_id":"a","click_timestamp":1795428005000}',
    );
    assert.equal(answer.status, 200);
    service.terminate();
    assert.deepEqual(await service.ended, { code: 0, signal: null });
    assert.doesNotMatch(service.stderr, /warning/i);
  });

  it("says which Node it needs where that is older", async () => {
    const path = join(home, "node_modules/clicktally/package.json");
    const content = await readFile(path, "utf8");
    await writeFile(path, content.replace(/"node": ">=[\d.]+"/, '"node": ">=999.1.0"'));
    await assert.rejects(run(home, ["npx", "--offline", "clicktally", "--version"]), {
      code: 2,
      stderr: `clicktally: needs Node 999.1.0 or later, this is ${process.versions.node}\n`,
    });
  });
});
