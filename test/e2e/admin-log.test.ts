import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createKey } from "../../src/access/manage-keys.ts";
import { runCommand } from "../commands/run-command.ts";
import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

interface Line {
  readonly event: string;
  readonly who: string;
  readonly action: string;
  readonly status?: number;
  readonly code?: string;
  readonly operation?: string;
  readonly address?: string;
  readonly asked?: Readonly<Record<string, unknown>>;
}

describe("the log of admin actions", () => {
  it("says who did what and how it ended, and nothing of what clicks say", async () => {
    await using directory = await temporaryDirectory();
    const dataDir = directory.path;
    const keysFile = join(dataDir, "keys.json");
    const nowMs = Date.now();
    const ops = await createKey(keysFile, { name: "ops", scopes: ["admin"], nowMs });
    const asker = await createKey(keysFile, { name: "asker", scopes: ["query"], nowMs });
    await using service = await ServiceProcess.start({ dataDir });
    const post = async (path: string, body: object, key = ops): Promise<number> => {
      const response = await fetch(service.url + path, {
        method: "POST",
        body: JSON.stringify(body),
        headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
      });
      await response.text();
      return response.status;
    };
    const secret = "u-secret-person";
    const click = { ad_id: "ad-x", event_id: "event-secret", user_id: secret };
    assert.equal(await post("/v1/clicks?wait=counted", { ...click, click_timestamp: nowMs }), 200);
    const erasing = { field: "user_id", values: [secret], reason: "request 7" };
    assert.equal(await post("/v1/admin/erase", erasing), 200);
    const identities = [{ ad_id: "ad-x", event_id: "event-secret" }];
    assert.equal(await post("/v1/admin/void", { identities, reason: "verdict" }), 200);
    assert.equal(await post("/v1/admin/close", { through: "2099-01-01T00:00:00Z" }), 409);
    assert.equal(await post("/v1/admin/erase", erasing, asker), 403);
    assert.equal(await post("/v1/admin/erase", erasing, "ctk_nobody"), 401);
    const revoked = await runCommand(["keys", "revoke", "asker", "--data-dir", dataDir]);
    assert.equal(revoked.exitCode, 0);

    const text = await eventually("all is noted", () => {
      const noted = readFileSync(join(dataDir, "admin.log"), "utf8");
      return noted.split("\n").length > 4 ? noted : undefined;
    });
    const lines = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Line);
    const told = lines.map(({ who, action, status, code }) => [who, action, status, code]);
    assert.deepEqual(told, [
      ["ops", "erase", 200, undefined],
      ["ops", "voidClicks", 200, undefined],
      ["ops", "closePeriod", 409, "period_not_final"],
      [told[3]![0], "keys revoke", undefined, undefined],
    ]);
    assert.match(lines[3]!.who, /^shell:/);
    assert.deepEqual(lines[0]!.asked, { field: "user_id", values: 1, reason: "request 7" });
    assert.match(lines[0]!.operation!, /^[\w-]{36}$/);
    assert.equal(lines[0]!.address, "127.0.0.1");
    for (const word of [secret, "event-secret", ops.slice(4)]) assert.ok(!text.includes(word));
    // The service's own log has them too, but not where they came from.
    const own = service.stderr.split("\n").filter((line) => line.includes('"event":"admin"'));
    assert.equal(own.length, 3);
    assert.ok(!own.join().includes("127.0.0.1") && !own.join().includes(secret));
  });
});
