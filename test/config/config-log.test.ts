import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { LoggedConfig } from "../../src/config/config-log.ts";
import { appendConfig, planConfig } from "../../src/config/config-log.ts";
import { durableTextFile } from "../../src/files/durable-file.ts";
import type { Control } from "../../src/model/log-record.ts";
import type { SemanticConfig } from "../../src/model/semantic-config.ts";
import { minuteMs } from "../../src/model/time.ts";
import { testConfig } from "../support/random-clicks.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const { generation: _generation, fromMinute: _fromMinute, ...settings } = testConfig;
type Settings = Omit<SemanticConfig, "generation" | "fromMinute">;

/** A data directory's config.json and its log, which a test can break. */
class Directory {
  readonly path: string;
  readonly log: SemanticConfig[] = [];
  nowMs = Date.UTC(2026, 0, 15, 12);
  maxFutureMs = minuteMs;
  hasStore = false;

  constructor(directory: string) {
    this.path = join(directory, "config.json");
  }

  plan(wanted: Settings): Promise<LoggedConfig> {
    const { path, maxFutureMs, hasStore } = this;
    const file = durableTextFile(path);
    return planConfig({ file, settings: wanted, maxFutureMs, hasStore, now: () => this.nowMs });
  }

  async append(planned: LoggedConfig): Promise<void> {
    await appendConfig(durableTextFile(this.path), planned, async (control: Control) => {
      if (control.type === "config") this.log.push(control.config);
    });
  }

  async start(wanted: Settings): Promise<SemanticConfig> {
    const planned = await this.plan(wanted);
    await this.append(planned);
    this.hasStore = true;
    return planned.config;
  }
}

async function withDirectory(use: (directory: Directory) => Promise<void>): Promise<void> {
  await using directory = await temporaryDirectory();
  await use(new Directory(directory.path));
}

describe("the settings in the log", () => {
  it("begin with generation 1, for all minutes", () =>
    withDirectory(async (directory) => {
      const config = await directory.start(settings);
      assert.deepEqual(config, { ...settings, generation: 1, fromMinute: 0 });
      assert.deepEqual(directory.log, [config]);
    }));

  it("are not appended again where nothing has changed", () =>
    withDirectory(async (directory) => {
      for (let start = 0; start < 3; start++) await directory.start({ ...settings });
      assert.equal(directory.log.length, 1);
    }));

  it("take effect at a minute that no click received so far can reach", () =>
    withDirectory(async (directory) => {
      await directory.start(settings);
      const { generation, fromMinute } = await directory.start({ ...settings, late: "quarantine" });
      const latestMs = directory.nowMs + directory.maxFutureMs;
      assert.equal(generation, 2);
      assert.ok(fromMinute * minuteMs > latestMs);
      assert.ok(fromMinute * minuteMs <= latestMs + 3 * minuteMs);
      const again = await directory.start(settings);
      assert.ok(again.fromMinute > fromMinute, "each has a minute of its own");
    }));

  it("wait for clicks that a larger max_future of an earlier process let in", () =>
    withDirectory(async (directory) => {
      directory.maxFutureMs = 60 * minuteMs;
      await directory.start(settings);
      directory.maxFutureMs = minuteMs;
      await directory.start(settings);
      const { fromMinute } = await directory.start({ ...settings, late: "quarantine" });
      assert.ok(fromMinute * minuteMs > directory.nowMs + 60 * minuteMs);
    }));

  it("are later than those before, also where the clock has gone back", () =>
    withDirectory(async (directory) => {
      await directory.start(settings);
      const second = await directory.start({ ...settings, late: "quarantine" });
      directory.nowMs -= 60 * minuteMs;
      const third = await directory.start(settings);
      assert.equal(third.fromMinute, second.fromMinute + 1);
    }));

  it("are appended by the next process where a crash came before the append", () =>
    withDirectory(async (directory) => {
      await directory.start(settings);
      const planned = await directory.plan({ ...settings, late: "quarantine" });
      directory.nowMs += 10 * minuteMs;
      assert.deepEqual(await directory.start({ ...settings, late: "quarantine" }), planned.config);
      assert.deepEqual(directory.log.slice(1), [planned.config]);
      await directory.start({ ...settings, late: "quarantine" });
      assert.equal(directory.log.length, 2);
    }));

  it("are appended as the same generation where a crash came right after the append", () =>
    withDirectory(async (directory) => {
      await directory.start(settings);
      const planned = await directory.plan({ ...settings, late: "quarantine" });
      directory.log.push(planned.config);
      await directory.start({ ...settings, late: "quarantine" });
      assert.deepEqual(directory.log.slice(1), [planned.config, planned.config]);
    }));

  it("get a generation of their own where they change again after a crash", () =>
    withDirectory(async (directory) => {
      await directory.start(settings);
      const lost = await directory.plan({ ...settings, late: "quarantine" });
      const config = await directory.start({ ...settings, idleLagMs: 1 });
      assert.equal(config.generation, 3);
      assert.ok(config.fromMinute > lost.config.fromMinute);
      assert.deepEqual(directory.log.slice(1), [config]);
    }));

  it("remember from which minute on derived ids have a key: the first under which a dimension is protected", () =>
    withDirectory(async (directory) => {
      const dimensions = settings.dimensions.map((dimension) => ({
        ...dimension,
        ...(dimension.name === "user_id" && { store: "hashed" as const }),
      }));
      const plain = await directory.start(settings);
      assert.ok(!("keyedIdsFromMinute" in plain));
      const first = await directory.start({ ...settings, dimensions });
      assert.equal(first.keyedIdsFromMinute, first.fromMinute);
      const second = await directory.start({ ...settings, dimensions, late: "quarantine" });
      const third = await directory.start(settings);
      for (const { keyedIdsFromMinute } of [second, third])
        assert.equal(keyedIdsFromMinute, first.fromMinute);
      assert.equal(directory.log.length, 4, "the minute is no setting that could differ");
      await directory.start(settings);
      assert.equal(directory.log.length, 4);
    }));

  it("have keyed ids from the beginning where a dimension is protected from the beginning", () =>
    withDirectory(async (directory) => {
      const [country] = settings.dimensions;
      const dimensions = [{ ...country!, store: "hashed" as const }];
      assert.equal((await directory.start({ ...settings, dimensions })).keyedIdsFromMinute, 0);
    }));

  it("are refused where config.json is missing beside a store, or damaged", () =>
    withDirectory(async (directory) => {
      directory.hasStore = true;
      await assert.rejects(directory.plan(settings), { code: "data_corrupt" });
      assert.ok(!existsSync(directory.path));
      for (const content of ["", "{", "null", "{}", '{"version":1}']) {
        await writeFile(directory.path, content);
        await assert.rejects(directory.plan(settings), { code: "data_corrupt" }, content);
      }
    }));

  it("are refused, and left alone, where a newer release wrote them", () =>
    withDirectory(async (directory) => {
      const content = '{"version":2,"generations":[]}';
      await writeFile(directory.path, content);
      await assert.rejects(directory.plan(settings), { code: "data_format_newer" });
      assert.equal(await readFile(directory.path, "utf8"), content);
    }));
});
