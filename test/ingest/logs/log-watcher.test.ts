import assert from "node:assert/strict";
import {
  copyFile,
  mkdir,
  readFile,
  rename,
  rm,
  truncate,
  unlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { CodedError } from "../../../src/model/errors.ts";
import { eventually } from "../../support/eventually.ts";
import { FollowedLogs, clickLine, clickLines } from "./followed-logs.ts";

const log = "clicks.ndjson";

async function copyTruncate(logs: FollowedLogs, to: string): Promise<void> {
  await copyFile(logs.path(log), logs.path(to));
  await truncate(logs.path(log));
}

async function compress(logs: FollowedLogs, file: string): Promise<void> {
  await writeFile(logs.path(`${file}.gz`), gzipSync(await readFile(logs.path(file))));
  await unlink(logs.path(file));
}

/** Nothing was taken that had been taken before. */
function assertOnce(logs: FollowedLogs, clicks: number): void {
  assert.equal(logs.taken.size, clicks);
  assert.deepEqual(
    [...logs.taken.values()].filter((times) => times > 1),
    [],
  );
}

describe("a watcher of log files", () => {
  it("reads what is there at its start, and what is written then", async () => {
    await using logs = await FollowedLogs.make();
    await logs.write(log, ...clickLines(3));
    logs.start();
    await logs.until(3);
    await logs.write(log, ...clickLines(2));
    await logs.until(5);
    assertOnce(logs, 5);
  });

  it("counts equal lines as clicks of their own", async () => {
    await using logs = await FollowedLogs.make();
    const line = clickLine();
    await logs.write(log, line, line, line);
    logs.start();
    await logs.until(3);
    assertOnce(logs, 3);
  });

  it("waits for the end of a line", async () => {
    await using logs = await FollowedLogs.make();
    const line = clickLine();
    await writeFile(logs.path(log), `${clickLine()}\n${line.slice(0, 20)}`);
    logs.start();
    await eventually("the first", () => (logs.taken.size === 1 ? true : undefined));
    assert.equal(logs.watcher!.status.lag_bytes, 20);
    await writeFile(logs.path(log), `${line.slice(20)}\n`, { flag: "a" });
    await logs.until(2);
    assertOnce(logs, 2);
  });

  it("goes on where it was after a restart, in the middle of a file", async () => {
    await using logs = await FollowedLogs.make();
    await logs.write(log, ...clickLines(20));
    logs.start();
    await logs.until(20);
    await logs.stop();
    await logs.write(log, ...clickLines(5));
    logs.start();
    await logs.until(25);
    assertOnce(logs, 25);
  });

  for (const isRunning of [true, false]) {
    const when = isRunning ? "while it runs" : "while it is away";
    /** Lines that are read, then others and what `turn` does; how many there are in the end. */
    async function through(
      turn: (logs: FollowedLogs) => Promise<void>,
      more = 5,
    ): Promise<FollowedLogs> {
      const logs = await FollowedLogs.make();
      await logs.write(log, ...clickLines(30));
      logs.start();
      await logs.until(30);
      if (!isRunning) await logs.stop();
      await logs.write(log, ...clickLines(10));
      await turn(logs);
      await logs.write(log, ...clickLines(more));
      if (!isRunning) logs.start();
      return logs;
    }

    it(`follows a file that is moved, ${when}`, async () => {
      await using logs = await through((own) => rename(own.path(log), own.path(`${log}.1`)));
      await logs.until(45);
      assertOnce(logs, 45);
    });

    it(`follows a file that is copied and cut, ${when}`, async () => {
      await using logs = await through((own) => copyTruncate(own, `${log}.1`));
      await logs.until(45);
      assertOnce(logs, 45);
    });

    it(`follows one that is copied and cut and longer at once, ${when}`, async () => {
      await using logs = await through((own) => copyTruncate(own, `${log}.1`), 100);
      await logs.until(140);
      assertOnce(logs, 140);
    });

    it(`goes on in the middle of one that is compressed by then, ${when}`, async () => {
      await using logs = await through(async (own) => {
        await rename(own.path(log), own.path(`${log}.1`));
        await compress(own, `${log}.1`);
      });
      await logs.until(45);
      assertOnce(logs, 45);
    });

    it(`goes on in the middle of a compressed copy, ${when}`, async () => {
      await using logs = await through(async (own) => {
        await copyTruncate(own, `${log}-20260131`);
        await compress(own, `${log}-20260131`);
      });
      await logs.until(45);
      assertOnce(logs, 45);
    });
  }

  it("takes two files with one same first line for two", async () => {
    await using logs = await FollowedLogs.make();
    const same = clickLine();
    await logs.write(log, same, clickLine());
    logs.start();
    await logs.until(2);
    await rename(logs.path(log), logs.path(`${log}.1`));
    await logs.write(log, same, clickLine());
    await logs.until(4);
    await copyTruncate(logs, `${log}.0`);
    await logs.write(log, same, clickLine());
    await logs.until(6);
    assertOnce(logs, 6);
  });

  it("takes files that begin alike for several also at its first start", async () => {
    await using logs = await FollowedLogs.make(["*.ndjson"]);
    const same = clickLine();
    await logs.write("a.ndjson", same, clickLine());
    await logs.write("b.ndjson", same, clickLine(), same);
    logs.start();
    await logs.until(5);
    assertOnce(logs, 5);
  });

  it("knows a file again under any name, copied or compressed", async () => {
    await using logs = await FollowedLogs.make(["*.ndjson", "*.zst"]);
    await logs.write("a.ndjson", ...clickLines(10));
    logs.start();
    await logs.until(10);
    await copyFile(logs.path("a.ndjson"), logs.path("copy.ndjson"));
    await writeFile(
      logs.path("packed.ndjson.zst"),
      zstdCompressSync(await readFile(logs.path("a.ndjson"))),
    );
    await unlink(logs.path("a.ndjson"));
    await logs.write("other.ndjson", clickLine());
    await logs.until(11);
    await logs.write("copy.ndjson", clickLine());
    await logs.until(12);
    assertOnce(logs, 12);
  });

  it("counts nothing twice where a file is written anew with the same content", async () => {
    await using logs = await FollowedLogs.make();
    const lines = clickLines(20);
    await logs.write(log, ...lines);
    logs.start();
    await logs.until(20);
    await truncate(logs.path(log));
    for (const line of [...lines, clickLine()]) await logs.write(log, line);
    await logs.until(21);
    assertOnce(logs, 21);
  });

  it("counts nothing twice where its positions are lost, nor where they are older than what was sent", async () => {
    await using logs = await FollowedLogs.make();
    await logs.write(log, ...clickLines(10));
    logs.start();
    await logs.until(10);
    await rename(logs.path(log), logs.path(`${log}.1`));
    await logs.write(log, ...clickLines(10));
    await logs.until(20);
    await logs.stop();
    await rm(logs.stateDirectory, { recursive: true });
    await logs.write(log, clickLine());
    logs.start();
    await logs.until(21);
    assert.equal(logs.taken.size, 21);
  });

  it("sets positions that can't be read aside, says so, and refuses those of a newer release", async () => {
    await using logs = await FollowedLogs.make();
    await mkdir(logs.stateDirectory);
    const state = join(logs.stateDirectory, "logs.json");
    await writeFile(state, "no JSON");
    await logs.write(log, clickLine());
    logs.start();
    await logs.until(1);
    assert.match(logs.problems.join(), /logs\.json can't be read and is set aside/);
    await logs.stop();
    const newer = '{"version":2,"source":"logs","files":[]}';
    await writeFile(state, newer);
    logs.start();
    await eventually("it says so", () => logs.problems.find((what) => what.includes("newer")));
    await logs.stop();
    assert.equal(await readFile(state, "utf8"), newer);
  });

  it("tells of a line that is no click, with its place, and of one that is too long", async () => {
    await using logs = await FollowedLogs.make();
    await logs.write(log, clickLine(), "no click", "", "x".repeat(300_000), clickLine());
    logs.start();
    await logs.until(2);
    const { bad_lines: bad, lines, skipped_lines: skipped } = logs.watcher!.status;
    assert.deepEqual([lines, bad, skipped], [5, 2, 1]);
    const noted = await readFile(join(logs.stateDirectory, "logs.bad.ndjson"), "utf8");
    const places = noted
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const first = clickLine().length + 1;
    assert.deepEqual(
      places.map(({ file, offset, line, reason }) => ({ file, offset, line, reason })),
      [
        { file: logs.path(log), offset: first, line: 2, reason: "the line is no JSON" },
        {
          file: logs.path(log),
          offset: first + 10,
          line: 4,
          reason: "the line has more than 65536 bytes",
        },
      ],
    );
  });

  it("waits where clicks are not taken, and goes on", async () => {
    await using logs = await FollowedLogs.make();
    await logs.write(log, ...clickLines(3));
    let isOpen = false;
    logs.start(async () => {
      if (!isOpen) throw new CodedError("queue_full", "no room");
      return { accepted: 0, errors: [] };
    });
    await eventually("it waits", () => logs.watcher!.status.waits_for ?? undefined);
    assert.equal(logs.watcher!.status.waits_for, "no room");
    isOpen = true;
    await logs.until(3);
    assert.equal(logs.watcher!.status.waits_for, null);
    assertOnce(logs, 3);
  });

  it("sends in smaller parts what is too much at a time, and tells of a click that is too much by itself", async () => {
    await using logs = await FollowedLogs.make();
    const lines = clickLines(150);
    lines.splice(70, 0, JSON.stringify({ ad_id: "large", text: "x".repeat(2_000) }));
    await logs.write(log, ...lines);
    logs.start(async (body) => {
      if (body.length > 1_500) throw new CodedError("body_too_large", "too much");
      return { accepted: 0, errors: [] };
    });
    await logs.until(150);
    assert.equal(logs.watcher!.status.bad_lines, 1);
    assertOnce(logs, 150);
  });

  it("tells of what was cut before it was read, where no copy is found", async () => {
    await using logs = await FollowedLogs.make();
    const large = JSON.stringify({ ad_id: "large", text: "x".repeat(50_000) });
    await logs.write(log, ...Array.from({ length: 20 }, () => large));
    let isOpen = false;
    logs.start(async () => {
      if (!isOpen) throw new CodedError("overloaded", "later");
      return { accepted: 0, errors: [] };
    });
    await eventually("it waits", () => logs.watcher!.status.waits_for ?? undefined);
    await truncate(logs.path(log));
    isOpen = true;
    await eventually("it tells", () => logs.problems.find((what) => what.includes("was cut")));
    const { lost_bytes: lost, lines } = logs.watcher!.status;
    assert.equal(lost, (20 - lines) * (large.length + 1));
    assert.ok(lines > 0 && lines < 20);
  });
});
