import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { check, missingPrograms, pathOf } from "./programs.ts";
import { opsDirectory } from "./rules.ts";

const skip = missingPrograms("nginx") ?? false;
/** Its workers need to write where the test may. */
const ownUser = process.getuid!() === 0 ? "user root;" : "";
const roles = ["ingest", "query", "aggregate"] as const;

describe("a real nginx with the configuration that is shipped", { skip }, () => {
  let url: string;
  let config: string;
  const resources = new AsyncDisposableStack();
  before(async () => {
    const { path } = resources.use(await temporaryDirectory());
    const shipped = readFileSync(join(opsDirectory, "nginx/nginx.conf"), "utf8");
    // Names and files of the containers are not here.
    let local = shipped.replaceAll("/tmp/", `${path}/`).replace("/dev/stderr", `${path}/error.log`);
    for (const role of roles)
      for (const number of [1, 2]) {
        const standIn = await processOf(role);
        resources.defer(() => void standIn.server.close());
        local = local.replace(`${role}-${number}:8080`, `127.0.0.1:${standIn.port}`);
      }
    const port = await freePort();
    config = join(path, "nginx.conf");
    await writeFile(config, local.replace("listen 8080", `listen 127.0.0.1:${port}`));
    await check("nginx", ["-t", "-c", config]);
    const child = spawn(pathOf("nginx"), ["-c", config, "-g", `daemon off; ${ownUser}`], {
      stdio: "ignore",
    });
    resources.defer(async () => {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    });
    url = `http://127.0.0.1:${port}`;
    await eventually("it answers", async () => ((await fetch(url)).ok ? true : undefined));
  });
  after(() => resources.disposeAsync());

  it("sends each request to who does it", async () => {
    const asked: readonly (readonly [string, string, string])[] = [
      ["POST", "/v1/clicks", "ingest"],
      ["POST", "/v1/clicks?wait=counted", "ingest"],
      ["POST", "/v1/admin/import", "ingest"],
      ["GET", "/c/ad%2F1?to=https%3A%2F%2Fx.example%2F&sig=x", "ingest"],
      ["POST", "/c/ad-1", "ingest"],
      ["GET", "/", "query"],
      ["GET", "/assets/index.js", "query"],
      ["GET", "/v1/ads/ad%2F1/aggregated_count?window=60m", "query"],
      ["GET", "/v1/top", "query"],
      ["GET", "/v1/live", "query"],
      ["GET", "/openapi.json", "query"],
      ["POST", "/v1/breakdown", "query"],
      ["POST", "/v1/admin/audit", "query"],
      ["PUT", "/v1/ads/ad-1", "aggregate"],
      ["POST", "/v1/ads", "aggregate"],
      ["POST", "/v1/admin/void", "aggregate"],
      ["POST", "/v1/admin/erase", "aggregate"],
    ];
    for (const [method, path, role] of asked) {
      const answer = await fetch(url + path, {
        method,
        ...(method !== "GET" && { body: "{}" }),
      });
      const told = (await answer.json()) as { role: string; path: string };
      assert.deepEqual(told, { role, path }, `${method} ${path}`);
    }
  });

  it("keeps to itself what a process tells of itself", async () => {
    for (const path of ["/metrics", "/healthz", "/readyz"])
      assert.equal((await fetch(url + path)).status, 404, path);
  });

  it("takes a body as large as a process does", async () => {
    const answer = await fetch(`${url}/v1/clicks`, {
      method: "POST",
      body: "x".repeat(16_000_000),
    });
    assert.equal(answer.status, 200);
  });
});

/** Stands for a process of a role: says which it is, and what it was asked. */
async function processOf(role: string): Promise<{ server: Server; port: number }> {
  const port = await freePort();
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ role, path: request.url }));
    });
  });
  await once(server.listen(port, "127.0.0.1"), "listening");
  server.unref();
  return { server, port };
}
