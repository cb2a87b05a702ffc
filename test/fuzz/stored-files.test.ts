import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { durableTextFile } from "../../src/files/durable-file.ts";
import { planConfig } from "../../src/config/config-log.ts";
import { openDataDirectory } from "../../src/data-directory.ts";
import { ImportStateFile } from "../../src/ingest/import/import-state.ts";
import { testConfig } from "../support/random-clicks.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { checkedRefusal } from "./coded-error.ts";
import { readCorpus } from "./corpus.ts";
import { fuzz } from "./fuzz.ts";
import { mutatedJson } from "./mutate-json.ts";

const refusals = ["data_corrupt", "data_format_newer"] as const;
const lastMinute = Date.UTC(2200, 0, 1) / 60_000;

/** A file as it is when all is well. */
function writtenIn(decoder: string): string {
  const entry = readCorpus(decoder).find(({ name }) => /^(?:written|interrupted)\./.test(name))!;
  return Buffer.from(entry.bytes).toString();
}

/** What it gives, or the code of the refusal. */
async function outcomeOf<Result>(work: () => Promise<Result>): Promise<Result | string> {
  try {
    return await work();
  } catch (error) {
    return checkedRefusal(error, refusals).code;
  }
}

describe("hostile files of the data directory", () => {
  it("that say how far an import came are what was saved, or none at all", async (t) => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "import.json");
    const file = new ImportStateFile(directory.path, "import");
    const saved = new Set<string>();
    const tally = await fuzz({
      decoder: "import-state",
      mutants: 2500,
      dictionary: ['"rowsDone":', '"accepted":', '"version":1', '"finishedAt":', "1200"],
      check: async (bytes) => {
        await writeFile(path, bytes);
        const state = await file.load();
        if (state === undefined) return "none";
        const text = JSON.stringify(state);
        if (saved.size === 2) assert.ok(saved.has(text), `not a state that was saved: ${text}`);
        else saved.add(text);
        await file.save(state);
        assert.deepEqual(await file.load(), state);
        return "a state";
      },
      make: (random) => Buffer.from(mutatedJson(writtenIn("import-state"), random)),
      tell: (message) => t.diagnostic(message),
    });
    for (const word of ["a state", "none"])
      assert.ok(tally.get(word)! > 1, `${word}: ${tally.get(word)}`);
    assert.equal(saved.size, 2);
  });

  it("that record the settings go on from what they say, or are refused untouched", async (t) => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "config.json");
    const { generation: _, fromMinute: __, ...settings } = testConfig;
    const file = durableTextFile(path);
    const options = { file, settings, maxFutureMs: 60_000, hasStore: true, now: () => 1e12 };
    const tally = await fuzz({
      decoder: "config-json",
      mutants: 1500,
      dictionary: ['"generation":', '"fromMinute":', '"version": 1', '"appended": true', "null"],
      check: async (bytes) => {
        await writeFile(path, bytes);
        const planned = await outcomeOf(() => planConfig(options));
        if (typeof planned === "string") {
          assert.deepEqual(await readFile(path), Buffer.from(bytes), "it was changed");
          return planned;
        }
        const { generation, fromMinute, ...others } = planned.config;
        assert.deepEqual(others, settings);
        assert.ok(Number.isSafeInteger(generation) && generation >= 1);
        assert.ok(Number.isSafeInteger(fromMinute) && fromMinute >= 0);
        assert.ok(fromMinute <= lastMinute + 1, `takes effect in minute ${fromMinute}`);
        // What was written is read again as it is.
        assert.deepEqual(await planConfig(options), planned);
        return "planned";
      },
      make: (random) => Buffer.from(mutatedJson(writtenIn("config-json"), random)),
      tell: (message) => t.diagnostic(message),
    });
    for (const word of ["planned", ...refusals])
      assert.ok(tally.get(word)! > 5, `${word}: ${tally.get(word)}`);
  });

  it("that tell the format open, or are refused and left as they are with the secret", async (t) => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "format.json");
    const made = await openDataDirectory(directory.path);
    await made[Symbol.asyncDispose]();
    const secret = await readFile(join(directory.path, "secret"));
    const tally = await fuzz({
      decoder: "format-json",
      mutants: 250,
      dictionary: ['{"version":1}', '"version"', "1", "2"],
      check: async (bytes) => {
        await writeFile(path, bytes);
        const opened = await outcomeOf(() => openDataDirectory(directory.path));
        assert.deepEqual(await readFile(path), Buffer.from(bytes), "it was changed");
        assert.deepEqual(await readFile(join(directory.path, "secret")), secret);
        if (typeof opened === "string") return opened;
        await opened[Symbol.asyncDispose]();
        const { version } = JSON.parse(Buffer.from(bytes).toString()) as { version: unknown };
        assert.equal(version, 1);
        return "opened";
      },
      make: (random) => Buffer.from(mutatedJson(writtenIn("format-json"), random)),
      tell: (message) => t.diagnostic(message),
    });
    for (const word of ["opened", ...refusals])
      assert.ok(tally.get(word)! > 1, `${word}: ${tally.get(word)}`);
  });
});
