import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const requestCount = 25;

interface Call {
  readonly name: string;
  /** Arguments and result as strace prints them. */
  readonly text: string;
  readonly line: number;
}

/** Calls in the order of their ends: strace splits one that another thread's interrupts into two lines. */
function parseTrace(trace: string): Call[] {
  const started = new Map<string, string>();
  const calls: Call[] = [];
  for (const [line, content] of trace.split("\n").entries()) {
    const match = /^(\d+) +(.*)$/.exec(content);
    if (!match) continue;
    const [, thread, text] = match as unknown as [string, string, string];
    const resumed = /^<\.\.\. (\w+) resumed>(.*)$/.exec(text);
    if (resumed) {
      calls.push({ name: resumed[1]!, text: (started.get(thread) ?? "") + resumed[2]!, line });
      continue;
    }
    const call = /^(\w+)\((.*)$/.exec(text);
    if (!call) continue;
    if (text.endsWith("<unfinished ...>")) {
      started.set(thread, text);
      // A write is under way from its start: the answer may be out before the call returns.
      if (call[1] !== "fdatasync" && call[1] !== "fsync")
        calls.push({ name: call[1]!, text, line });
    } else calls.push({ name: call[1]!, text, line });
  }
  return calls;
}

describe("an ack", () => {
  it("leaves only after the fdatasync of the queue that covers it, as strace sees it", async () => {
    await using directory = await temporaryDirectory();
    const tracePath = join(directory.path, "strace.txt");
    const service = await ServiceProcess.start({
      dataDir: directory.path,
      under: [
        "strace",
        "-f",
        "-y",
        "-s",
        "64",
        "-o",
        tracePath,
        "-e",
        "trace=read,write,writev,fdatasync,fsync",
      ],
    });
    try {
      for (let i = 0; i < requestCount; i++) {
        const click = { ad_id: "ad-1", click_timestamp: Date.now(), event_id: `e-${i}` };
        const { status } = await service.post(
          "/v1/clicks",
          JSON.stringify(click),
          "application/json",
        );
        assert.equal(status, 200);
      }
    } finally {
      await service.kill();
    }

    const calls = parseTrace(await readFile(tracePath, "utf8"));
    const isSync = ({ name, text }: Call): boolean =>
      (name === "fdatasync" || name === "fsync") &&
      text.includes("queue.sqlite-wal") &&
      text.trim().endsWith("= 0");
    let acks = 0;
    let waiting = false;
    let synced = false;
    for (const call of calls) {
      if (call.name === "read" && call.text.includes("POST /v1/clicks HTTP/1.1")) {
        waiting = true;
        synced = false;
      } else if (isSync(call)) {
        synced = true;
      } else if (
        waiting &&
        call.name.startsWith("write") &&
        call.text.includes("HTTP/1.1 200 OK")
      ) {
        assert.ok(
          synced,
          `line ${call.line}: a 2xx without a sync since its request: ${call.text}`,
        );
        waiting = false;
        acks++;
      }
    }
    assert.equal(acks, requestCount);
  });
});
