import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parseKeys, readKeys } from "../../src/access/keys-file.ts";
import { createFirstKey, createKey, revokeKey } from "../../src/access/manage-keys.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const good = {
  name: "web",
  sha256: "0".repeat(64),
  scopes: ["ingest"],
  created_at: "2026-11-27T10:00:00.000Z",
};
const fileOf = (...keys: readonly object[]): string => JSON.stringify({ version: 1, keys });

describe("the file of the API keys", () => {
  it("holds no key, only what each may do and its hash", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "made/keys.json");
    const key = await createKey(path, { name: "web", scopes: ["ingest", "query"], nowMs: 1_000 });
    assert.match(key, /^ctk_[\w-]{43}$/);
    const text = readFileSync(path, "utf8");
    assert.ok(!text.includes(key) && !text.includes(key.slice(4)));
    const [known] = (await readKeys(path))!;
    assert.deepEqual(
      [known!.name, known!.scopes, known!.createdAtMs],
      ["web", ["ingest", "query"], 1_000],
    );
  });

  it("has a name once, until it is revoked or has expired", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "keys.json");
    const request = { name: "web", scopes: ["ingest"], nowMs: 1_000, lifetimeMs: 10 } as const;
    await createKey(path, request);
    await assert.rejects(createKey(path, request), { code: "already_exists" });
    await createKey(path, { ...request, nowMs: 1_010 });
    await revokeKey(path, "web");
    await assert.rejects(revokeKey(path, "web"), { code: "invalid_parameter" });
    await createKey(path, request);
    assert.equal((await readKeys(path))!.length, 1);
  });

  it("keeps every key where many are made at the same moment, and one first key", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "keys.json");
    const firsts = await Promise.all([1, 2, 3].map(() => createFirstKey(path, 0)));
    assert.equal(firsts.filter((key) => key !== undefined).length, 1);
    const names = Array.from({ length: 8 }, (_, i) => `key-${i}`);
    await Promise.all(names.map((name) => createKey(path, { name, scopes: ["query"], nowMs: 0 })));
    const kept = (await readKeys(path))!.map(({ name }) => name);
    assert.deepEqual(kept.toSorted(), ["first", ...names]);
  });

  for (const [what, text] of [
    ["is no JSON", '{"version":1,"keys":['],
    ["is empty", ""],
    ["is of a newer release", JSON.stringify({ version: 2, keys: [] })],
    ["has no version", JSON.stringify({ keys: [] })],
    ["has a key with an unknown scope", fileOf({ ...good, scopes: ["everything"] })],
    ["has a key without a scope", fileOf({ ...good, scopes: [] })],
    ["has a key with a shorter hash", fileOf({ ...good, sha256: "00" })],
    ["has a key whose end can't be read", fileOf({ ...good, expires_at: "soon" })],
    ["has a key called as open clicks are", fileOf({ ...good, name: "http" })],
    ["has a key called as imports are", fileOf({ ...good, name: "import:a" })],
    ["has one name twice", fileOf(good, good)],
  ] as const) {
    it(`is refused as a whole where it ${what}, and not written over`, async () => {
      assert.throws(() => parseKeys(text));
      await using directory = await temporaryDirectory();
      const path = join(directory.path, "keys.json");
      writeFileSync(path, text);
      const making = createKey(path, { name: "x", scopes: ["query"], nowMs: 0 });
      await assert.rejects(making, { code: "invalid_configuration" });
      assert.equal(readFileSync(path, "utf8"), text);
    });
  }

  it("is taken where all of it is right", () => {
    const [key] = parseKeys(fileOf({ ...good, expires_at: "2026-12-01T00:00:00Z" }));
    assert.equal(key!.expiresAtMs, Date.parse("2026-12-01T00:00:00Z"));
  });
});
