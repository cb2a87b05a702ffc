import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { lstatSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { freePort } from "../support/free-port.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { asNobody, buildImage } from "./image.ts";
import type { Packed } from "./package-files.ts";
import { pack, run } from "./package-files.ts";

/** The oldest release line of Node that the package runs on. */
const olderNode = "node@22";
const keyPattern = /[\w-]{30,}/;
const install = ["npm", "install", "--prefer-offline"] as const;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let packed: Packed;
/** Where it is installed. */
let home: string;
/** What npm said to that. */
let installing: string;

before(async () => {
  directory = await temporaryDirectory();
  packed = await pack(directory.path);
  home = join(directory.path, "home");
  await mkdir(home);
  const said = await run(home, [...install, packed.tarball]);
  installing = said.stdout + said.stderr;
});

after(() => directory[Symbol.asyncDispose]());

describe("the npm package", () => {
  /** This Node, and the oldest. */
  let nodes: readonly string[];
  let version: string;

  before(async () => {
    const older = join(directory.path, "older");
    await mkdir(older);
    await run(older, [...install, olderNode]);
    nodes = [process.execPath, join(older, "node_modules/node/bin/node")];
    const file = await readFile(join(home, "node_modules/clicktally/package.json"), "utf8");
    ({ version } = JSON.parse(file) as { version: string });
  });

  it("holds the built program, the dashboard, what deploys it and its papers, and no more", () => {
    const paths = packed.files.map(({ path }) => path);
    for (const path of [
      "dist/cli.js",
      "dist/threads/engine-thread.js",
      "dist/dashboard/index.html",
      "docs/operations.md",
      "docs/privacy.md",
      "ops/compose.yaml",
      "ops/clicktally.service",
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
    for (const node of nodes) {
      const { stdout, stderr } = await run(home, demo, node);
      assert.match(stdout, /^sent [\d,]+ .* lost 0 twice 0 balanced$/m);
      assert.doesNotMatch(stderr, /experimental|deprecat/i);
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

describe("the image, of what the package holds", () => {
  it("is built and run as its Dockerfile says, by nobody in particular, who can write its data alone", async () => {
    const context = join(directory.path, "context");
    const root = join(directory.path, "image");
    for (const path of [context, root]) await mkdir(path);
    await chmod(directory.path, 0o755);
    await run(context, ["tar", "xzf", packed.tarball, "--strip-components=1"]);
    const text = await readFile(join(context, "Dockerfile"), "utf8");
    const { env, start, check, dataDir } = buildImage(
      root,
      context,
      text,
      join(home, "node_modules"),
    );
    const port = await freePort();
    const own = { ...env, CLICKTALLY_PORT: String(port) };
    const isHealthy = async (): Promise<boolean> => {
      const [program, ...args] = [...asNobody, ...check];
      const child = spawn(program!, args, { env: own, stdio: "inherit" });
      const [code] = (await once(child, "close")) as [number | null];
      return code === 0;
    };
    assert.equal(await isHealthy(), false, "nobody is there yet");
    const launch = () =>
      ServiceProcess.start({ dataDir: root, env: own, under: asNobody, program: start, port });
    let key: string;
    {
      await using service = await launch();
      assert.equal(await isHealthy(), true);
      [key] = keyPattern.exec(service.stdout)!;
      const body = '{"ad_id":"a","click_timestamp":1795428005000}';
      const headers = { "content-type": "application/json" };
      const send = (more: object) =>
        fetch(`${service.url}/v1/clicks`, {
          method: "POST",
          body,
          headers: { ...headers, ...more },
        });
      assert.equal((await send({})).status, 401);
      assert.equal((await send({ authorization: `Bearer ${key}` })).status, 200);
    }
    {
      await using service = await launch();
      assert.doesNotMatch(service.stdout, keyPattern, "it is told once");
    }
    assert.ok((await readdir(dataDir)).includes("store.duckdb"));
    if (asNobody.length > 0) assert.deepEqual(await ownedByNobody(root), ["tmp", "var/lib"]);
  });
});

/** Where below the directory, as its first folders, files are that the image's user has made. */
async function ownedByNobody(root: string): Promise<string[]> {
  const paths = await readdir(root, { recursive: true });
  const made = paths.filter((path) => lstatSync(join(root, path)).uid === 65_534);
  return [...new Set(made.map((path) => path.replace(/^(tmp|var\/lib)\/.*/, "$1")))].toSorted();
}
