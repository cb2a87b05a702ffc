import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { openLog } from "../../src/logging/log.ts";

/** Standard error, as a terminal or as a pipe. */
function output(isTTY: boolean): { stream: NodeJS.WriteStream; written: () => string } {
  const stream = new PassThrough();
  const text: string[] = [];
  stream.setEncoding("utf8").on("data", (part: string) => text.push(part));
  return {
    stream: Object.assign(stream, { isTTY }) as unknown as NodeJS.WriteStream,
    written: () => text.join(""),
  };
}

describe("the log", () => {
  it("is a line of JSON an event where programs read it, with time, level, process and role", () => {
    const { stream, written } = output(false);
    const log = openLog({ level: "info", role: "ingest", output: stream });
    log.info({ url: "http://127.0.0.1:8080" }, "it is ready");
    log.debug("not told");
    log.error({ err: new Error("no") }, "two\nlines");
    const [ready, failed, end] = written().split("\n");
    assert.equal(end, "");
    const { time, ...told } = JSON.parse(ready!) as Record<string, unknown>;
    assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.deepEqual(told, {
      level: 30,
      pid: process.pid,
      role: "ingest",
      url: "http://127.0.0.1:8080",
      msg: "it is ready",
    });
    const { level, msg, err } = JSON.parse(failed!) as Record<string, Record<string, unknown>>;
    assert.deepEqual([level, msg, err!["message"]], [50, "two\nlines", "no"]);
  });

  it("is plain lines on a terminal, with what an error came from", () => {
    const { stream, written } = output(true);
    const log = openLog({ level: "info", role: "all", output: stream });
    log.info({ url: "u", settings: { late: "quarantine" } }, "it starts");
    log.warn("the store is away");
    log.error({ err: new Error("no") }, "it failed");
    const [starts, away, failed, first, ...stack] = written().split("\n");
    assert.match(
      starts!,
      /^\d\d:\d\d:\d\d info {2}it starts {2}url=u {2}settings=\{"late":"quarantine"\}$/,
    );
    assert.match(away!, /^\d\d:\d\d:\d\d warn {2}the store is away$/);
    assert.match(failed!, /^\d\d:\d\d:\d\d error it failed$/);
    assert.equal(first, "Error: no");
    assert.match(stack[0]!, /^ +at .*log\.test\.ts/);
  });

  it("says nothing where it is silent", () => {
    const { stream, written } = output(false);
    openLog({ level: "silent", role: "all", output: stream }).error("not told");
    assert.equal(written(), "");
  });
});
