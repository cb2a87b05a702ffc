import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Worker } from "node:worker_threads";
import { once } from "node:events";
import { lockFile } from "../../src/files/file-lock.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

describe("a file lock", () => {
  it("is held by one at a time, until it is let go", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "lock");
    const first = lockFile(path);
    assert.ok(first);
    assert.equal(lockFile(path), undefined);
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    using second = lockFile(path);
    assert.ok(second);
    first[Symbol.dispose]();
    assert.equal(lockFile(path), undefined);
  });

  it("keeps other threads of the process out as well", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "lock");
    using lock = lockFile(path);
    assert.ok(lock);
    const module = new URL("../../src/files/file-lock.ts", import.meta.url).href;
    const program = `
      const { parentPort } = require("node:worker_threads");
      import(${JSON.stringify(module)}).then(({ lockFile }) => {
        parentPort.postMessage(lockFile(${JSON.stringify(path)}) === undefined ? "refused" : "taken");
      });
    `;
    const worker = new Worker(program, { eval: true });
    assert.deepEqual(await once(worker, "message"), ["refused"]);
    await worker.terminate();
  });

  it("stays held when nobody refers to it any more", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "lock");
    assert.ok(lockFile(path));
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    for (let i = 0; i < 5; i++) {
      collect();
      await new Promise(setImmediate);
    }
    assert.equal(lockFile(path), undefined);
  });

  it("says why it can't be taken where the file can't be made", async () => {
    await using directory = await temporaryDirectory();
    assert.throws(() => lockFile(join(directory.path, "missing/lock")), /unable to open/);
  });
});
