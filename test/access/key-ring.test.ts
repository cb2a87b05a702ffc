import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { KeyRing } from "../../src/access/key-ring.ts";
import { createKey, revokeKey } from "../../src/access/manage-keys.ts";
import { openLog } from "../../src/logging/log.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** A log and what was written to it. */
function noted() {
  const lines: string[] = [];
  const output = { isTTY: false, write: (line: string) => lines.push(line) > 0 };
  const log = openLog({
    level: "info",
    role: "all",
    output: output as unknown as NodeJS.WriteStream,
  });
  return { log, lines };
}

async function told(lines: readonly string[], what: string): Promise<void> {
  await eventually(what, () => lines.some((line) => line.includes(what)) || undefined);
}

describe("the keys of a running service", () => {
  it("are those of the file as it is now: made, revoked, and needed from the first one on", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "keys.json");
    using ring = KeyRing.open(path, noted().log);
    assert.equal(ring.isOpen, true);
    const key = await createKey(path, { name: "web", scopes: ["ingest"], nowMs: Date.now() });
    const found = await eventually("the key is known", () => ring.find(key));
    assert.deepEqual([ring.isOpen, found.name], [false, "web"]);
    assert.equal(ring.stillAllows(found, "ingest", Date.now()), true);
    assert.equal(ring.stillAllows(found, "query", Date.now()), false);
    assert.equal(ring.stillAllows(undefined, "ingest", Date.now()), false);
    await revokeKey(path, "web");
    await eventually("it is not known any more", () => (ring.find(key) ? undefined : true));
    assert.equal(ring.stillAllows(found, "ingest", Date.now()), false);
    // Without a single key left it is not open again.
    assert.equal(ring.isOpen, false);
  });

  it("hold on where the file is half written, broken or gone, and that is told once", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "keys.json");
    const key = await createKey(path, { name: "web", scopes: ["ingest"], nowMs: Date.now() });
    const { log, lines } = noted();
    using ring = KeyRing.open(path, log);
    writeFileSync(path, '{"version":1,"keys":[{"name":"w');
    await told(lines, "is not right; the keys before hold on");
    assert.equal(ring.find(key)?.name, "web");
    rmSync(path);
    await told(lines, "can't be read; its keys hold on");
    assert.deepEqual([ring.find(key)?.name, ring.isOpen], ["web", false]);
    const other = await createKey(path, { name: "new", scopes: ["query"], nowMs: Date.now() });
    await eventually("the file is taken again", () => ring.find(other));
    assert.equal(ring.find(key), undefined);
    assert.equal(lines.filter((line) => line.includes("hold on")).length, 2);
    assert.ok(!lines.join().includes(other));
  });

  it("do not start from a file that is not right", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "keys.json");
    writeFileSync(path, "");
    assert.throws(() => KeyRing.open(path, noted().log), { code: "invalid_configuration" });
  });
});
