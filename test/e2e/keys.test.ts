import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createKey, revokeKey } from "../../src/access/manage-keys.ts";
import type { LedgerAnswer } from "../../src/query/query-service.ts";
import { runCommand } from "../commands/run-command.ts";
import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** "Within a second or so", on a machine that has other work too. */
const revokedMsMax = 5_000;

let events = 0;
function click(): string {
  return JSON.stringify({ ad_id: "a", event_id: String(++events), click_timestamp: Date.now() });
}

describe("API keys of a running service", () => {
  let service: ServiceProcess;
  let resources: AsyncDisposableStack;
  let keysFile: string;
  let dataDir: string;
  let outside: string;
  before(async () => {
    resources = new AsyncDisposableStack();
    dataDir = resources.use(await temporaryDirectory()).path;
    outside = resources.use(await temporaryDirectory()).path;
    keysFile = join(dataDir, "keys.json");
    service = resources.use(await ServiceProcess.start({ dataDir }));
  });
  after(() => resources.disposeAsync());

  const post = async (key?: string): Promise<number> => {
    const response = await fetch(`${service.url}/v1/clicks?wait=counted`, {
      method: "POST",
      body: click(),
      headers: {
        "content-type": "application/json",
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
      },
    });
    await response.text();
    return response.status;
  };
  const make = async (name: string, scope: string): Promise<string> => {
    const made = await runCommand([
      "keys",
      "create",
      name,
      "--scope",
      scope,
      "--data-dir",
      dataDir,
    ]);
    assert.equal(made.exitCode, 0, made.stderr);
    return made.stdout.trim();
  };

  it("are not needed on loopback while there is none; the first one closes the door, without a restart", async () => {
    assert.equal(await post(), 200);
    const following = await fetch(`${service.url}/v1/live`);
    const reader = following.body!.getReader();
    await reader.read();
    const ops = await make("ops", "admin");
    await eventually("a key is needed", async () => ((await post()) === 401 ? true : undefined));
    // Who followed without a key follows no more.
    await assert.rejects(async () => {
      while (!(await reader.read()).done);
    });
    assert.equal(await post(ops), 200);
  });

  it("name the source of their clicks", async () => {
    const web = await make("web", "ingest");
    const known = await eventually("the key is known", async () =>
      (await post(web)) === 200 ? true : undefined,
    );
    assert.ok(known);
    const report = await createKey(keysFile, {
      name: "report",
      scopes: ["query"],
      nowMs: Date.now(),
    });
    const ledger = await eventually("the key is known", async () => {
      const answer = await fetch(`${service.url}/v1/ledger?window=10`, {
        headers: { authorization: `Bearer ${report}` },
      });
      return answer.ok ? ((await answer.json()) as LedgerAnswer) : undefined;
    });
    const sources = new Set(ledger.rows.map(({ source }) => source));
    assert.deepEqual([...sources].toSorted(), ["http", "ops", "web"]);
    assert.equal(ledger.balanced, true);
  });

  it("stop within a second or so once they are revoked, and what follows by them ends", async () => {
    const gone = await make("gone", "query");
    const headers = { authorization: `Bearer ${gone}` };
    const following = await eventually("the key is known", async () => {
      const answer = await fetch(`${service.url}/v1/live`, { headers });
      return answer.ok ? answer : undefined;
    });
    const reader = following.body!.getReader();
    await reader.read();
    await revokeKey(keysFile, "gone");
    const revokedMs = performance.now();
    await assert.rejects(async () => {
      while (!(await reader.read()).done);
    });
    assert.equal((await fetch(`${service.url}/v1/status`, { headers })).status, 401);
    assert.ok(performance.now() - revokedMs < revokedMsMax);
  });

  it("end streams where they expire", async () => {
    const nowMs = Date.now();
    const request = { name: "short", scopes: ["query"], nowMs, lifetimeMs: 2_500 } as const;
    const headers = { authorization: `Bearer ${await createKey(keysFile, request)}` };
    const following = await eventually("the key is known", async () => {
      const answer = await fetch(`${service.url}/v1/changes?since=0`, { headers });
      return answer.ok ? answer : undefined;
    });
    const reader = following.body!.getReader();
    await assert.rejects(async () => {
      while (!(await reader.read()).done);
    });
    assert.ok(Date.now() >= nowMs + 2_500);
  });

  it("are shown by every command that asks a service: by flag, variable or file", async () => {
    const ops = await make("shell", "admin");
    const keyFile = join(dataDir, "shell.key");
    writeFileSync(keyFile, `${ops}\n`);
    const at = ["--url", service.url];
    const withFile = { CLICKTALLY_KEY_FILE: keyFile };
    await eventually("the key is known", async () =>
      (await post(ops)) === 200 ? true : undefined,
    );
    const clicks = join(dataDir, "clicks.ndjson");
    writeFileSync(clicks, `${click()}\n`);
    const results = await Promise.all([
      runCommand(["status", ...at, "--key", ops]),
      runCommand(["query", "top", "--window", "10", ...at], { env: { CLICKTALLY_KEY: ops } }),
      runCommand(["audit", ...at], { env: withFile }),
      runCommand(["send", clicks, "--as-if-now", ...at], { env: withFile }),
      runCommand(["import", clicks, ...at], { env: { ...withFile, XDG_STATE_HOME: dataDir } }),
      runCommand(["export", "--to-dir", outside, ...at], { env: withFile }),
      runCommand(["statement", "--from", "2026-01-01", "--to", "2026-01-02", ...at, "--key", ops]),
    ]);
    for (const { exitCode, stderr } of results) assert.equal(exitCode, 0, stderr);
    const without = await runCommand(["status", ...at]);
    assert.equal(without.exitCode, 3);
    assert.match(without.stderr, /send an API key/);
  });

  it("are listed without what they are, and neither file nor log holds one", async () => {
    const secret = await make("listed", "ingest,query");
    const { stdout } = await runCommand(["keys", "list", "--json", "--data-dir", dataDir]);
    const { keys } = JSON.parse(stdout) as { keys: { name: string; scopes: string[] }[] };
    const listed = keys.find(({ name }) => name === "listed");
    assert.deepEqual(listed?.scopes, ["ingest", "query"]);
    const revoked = await runCommand(["keys", "revoke", "listed", "--data-dir", dataDir]);
    assert.equal(revoked.exitCode, 0);
    const again = await runCommand(["keys", "revoke", "listed", "--data-dir", dataDir]);
    assert.equal(again.exitCode, 2);
    for (const text of [stdout, readFileSync(keysFile, "utf8"), service.stderr])
      assert.ok(!text.includes(secret.slice(4)));
  });
});

describe("a service that others can reach", () => {
  const host = { CLICKTALLY_HOST: "0.0.0.0" };

  it("does not start without keys, and says what to do", async () => {
    await using directory = await temporaryDirectory();
    const service = await ServiceProcess.launch({ dataDir: directory.path, env: host });
    assert.deepEqual(await service.endedByItself(), { code: 2, signal: null });
    assert.match(service.stderr, /keys create NAME --scope admin/);
    assert.match(service.stderr, /--auth-open true/);
  });

  it("starts without keys where it is told that something else guards it", async () => {
    await using directory = await temporaryDirectory();
    const env = { ...host, CLICKTALLY_AUTH_OPEN: "true" };
    await using service = await ServiceProcess.start({ dataDir: directory.path, env });
    assert.equal((await fetch(`${service.url}/v1/status`)).status, 200);
    assert.match(service.stderr, /whoever reaches it may do everything/);
  });

  it("makes its first key where it is told to, prints it once, and needs it", async () => {
    await using directory = await temporaryDirectory();
    const env = { ...host, CLICKTALLY_AUTH_FIRST_KEY: "print" };
    const printed: string[] = [];
    for (let start = 0; start < 2; start++) {
      await using service = await ServiceProcess.launch({ dataDir: directory.path, env });
      service.child.stdout!.on("data", (text: string) => printed.push(String(text)));
      await service.ready();
      assert.equal((await fetch(`${service.url}/v1/status`)).status, 401);
      const [key] = /ctk_\S+/.exec(printed.join(""))!;
      const headers = { authorization: `Bearer ${key}` };
      assert.equal((await fetch(`${service.url}/v1/status`, { headers })).status, 200);
      assert.ok(!service.stderr.includes(key!));
    }
    assert.equal(printed.join("").match(/ctk_/g)!.length, 1);
  });
});
