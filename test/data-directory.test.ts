import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openDataDirectory } from "../src/data-directory.ts";
import { isCoded } from "./support/queue-records.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";

const holder = join(import.meta.dirname, "support/hold-data-directory.ts");

describe("the data directory", () => {
  it("is made with its parents, for its user alone", async () => {
    await using parent = await temporaryDirectory();
    const path = join(parent.path, "a/b/data");
    await using directory = await openDataDirectory(path);
    assert.equal(directory.path, path);
    assert.equal(directory.queuePath, join(path, "queue.sqlite"));
    assert.equal(directory.storePath, join(path, "store.duckdb"));
    assert.equal((await stat(path)).mode & 0o777, 0o700);
    assert.equal((await stat(join(path, "secret"))).mode & 0o777, 0o600);
    assert.ok((await stat(directory.importsPath)).isDirectory());
    assert.deepEqual(JSON.parse(await readFile(join(path, "format.json"), "utf8")), { version: 1 });
    const temporary = (await readdir(path)).filter((name) => name.endsWith(".tmp"));
    assert.deepEqual(temporary, []);
  });

  it("keeps its secret, which no other directory has", async () => {
    await using parent = await temporaryDirectory();
    const secretOf = async (name: string) => {
      await using directory = await openDataDirectory(join(parent.path, name));
      assert.equal(directory.dedupSecret.length, 32);
      return Buffer.from(directory.dedupSecret).toString("hex");
    };
    const secret = await secretOf("a");
    assert.equal(await secretOf("a"), secret);
    assert.notEqual(await secretOf("b"), secret);
  });

  it("can be opened once at a time, and again when it was let go", async () => {
    await using parent = await temporaryDirectory();
    await using first = await openDataDirectory(parent.path);
    await assert.rejects(
      openDataDirectory(parent.path),
      isCoded("data_dir_locked", new RegExp(`${parent.path} .*\\(pid ${process.pid}\\)`)),
    );
    await first[Symbol.asyncDispose]();
    await using second = await openDataDirectory(parent.path);
    assert.deepEqual(second.dedupSecret, first.dedupSecret);
  });

  it("is locked for another process until that is killed", async () => {
    await using parent = await temporaryDirectory();
    const child = spawn(process.execPath, [holder, parent.path], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      await once(child.stdout, "data");
      await assert.rejects(
        openDataDirectory(parent.path),
        isCoded("data_dir_locked", new RegExp(`\\(pid ${child.pid}\\)`)),
      );
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    await using directory = await openDataDirectory(parent.path);
    assert.equal(directory.path, parent.path);
  });

  it("is refused and not touched where a newer release made it", async () => {
    await using parent = await temporaryDirectory();
    await (await openDataDirectory(parent.path))[Symbol.asyncDispose]();
    await writeFile(join(parent.path, "format.json"), '{"version":2,"and":"more"}');
    await writeFile(join(parent.path, "lock.pid"), "1\n");
    await rm(join(parent.path, "imports"), { recursive: true });
    const before = await contentOf(parent.path);
    await assert.rejects(
      openDataDirectory(parent.path),
      isCoded("data_format_newer", /has format 2, this release knows up to 1/),
    );
    assert.deepEqual(await contentOf(parent.path), before);
    // Nor does the refusal keep the lock.
    await writeFile(join(parent.path, "format.json"), '{"version":1}');
    await using directory = await openDataDirectory(parent.path);
    assert.equal(directory.path, parent.path);
  });

  it("is refused once it was moved, but for who moves it, until that is taken back", async () => {
    await using parent = await temporaryDirectory();
    const path = join(parent.path, "data");
    {
      await using directory = await openDataDirectory(path);
      await directory.markMoved({ database: "clicks", topic: "clicks-log" });
    }
    await assert.rejects(
      openDataDirectory(path),
      isCoded("data_dir_moved", /to the database clicks and the topic clicks-log/),
    );
    {
      await using directory = await openDataDirectory(path, { toMove: true });
      await directory.markMoved({ database: "clicks", topic: "clicks-log" });
    }
    await rm(join(path, "moved.json"));
    await using _ = await openDataDirectory(path);
  });

  it("never gets a new secret in the place of one that was lost", async () => {
    await using parent = await temporaryDirectory();
    await (await openDataDirectory(parent.path))[Symbol.asyncDispose]();
    const secretPath = join(parent.path, "secret");
    await writeFile(secretPath, "short");
    await assert.rejects(
      openDataDirectory(parent.path),
      isCoded("data_corrupt", /5 bytes instead of 32/),
    );
    await rm(secretPath);
    await assert.rejects(
      openDataDirectory(parent.path),
      isCoded("data_corrupt", /secret is missing/),
    );
    await rm(join(parent.path, "format.json"));
    await writeFile(join(parent.path, "store.duckdb"), "");
    await assert.rejects(openDataDirectory(parent.path), isCoded("data_corrupt", /no format.json/));
  });

  it("is filled anew where a crash has left it half made", async () => {
    await using parent = await temporaryDirectory();
    await writeFile(join(parent.path, "secret"), "half");
    await writeFile(join(parent.path, "format.json.tmp"), "half");
    await using directory = await openDataDirectory(parent.path);
    assert.equal(directory.dedupSecret.length, 32);
  });

  for (const content of [
    "",
    "{",
    "[]",
    "null",
    '{"version":"1"}',
    '{"version":0}',
    '{"version":1.5}',
  ]) {
    it(`is refused where its format.json is ${JSON.stringify(content)}`, async () => {
      await using parent = await temporaryDirectory();
      await writeFile(join(parent.path, "format.json"), content);
      await assert.rejects(
        openDataDirectory(parent.path),
        isCoded("data_corrupt", /format.json is unreadable/),
      );
    });
  }

  it("must be a directory that can be written", async () => {
    await using parent = await temporaryDirectory();
    const file = join(parent.path, "file");
    await writeFile(file, "");
    for (const path of [file, join(file, "data")]) {
      await assert.rejects(
        openDataDirectory(path),
        isCoded("invalid_configuration", /can't be written/),
      );
    }
    const readOnly = join(parent.path, "read-only");
    await mkdir(readOnly);
    await chmod(parent.path, 0o755);
    await chmod(readOnly, 0o555);
    using _ = ordinaryUser();
    for (const path of [readOnly, join(readOnly, "data")]) {
      await assert.rejects(
        openDataDirectory(path),
        isCoded("invalid_configuration", /can't be written/),
      );
    }
  });
});

async function contentOf(path: string): Promise<Record<string, string>> {
  const content: Record<string, string> = {};
  for (const name of await readdir(path)) content[name] = await readFile(join(path, name), "hex");
  return content;
}

/** Root may write anywhere; so for a while be somebody else. */
function ordinaryUser(): Disposable {
  const { getuid, seteuid } = process;
  if (getuid?.() !== 0 || !seteuid) return { [Symbol.dispose]() {} };
  seteuid(65_534);
  return { [Symbol.dispose]: () => seteuid(0) };
}
