import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { Refusals } from "../../src/api/refusals.ts";
import { openLog } from "../../src/logging/log.ts";
import { eventually } from "../support/eventually.ts";
import { json, startHttpSide } from "./harness.ts";

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly refused: Readonly<Record<string, number>>;
}

function loggedLines() {
  const stream = new PassThrough();
  let text = "";
  stream.setEncoding("utf8").on("data", (part: string) => (text += part));
  const log = openLog({
    level: "info",
    role: "all",
    output: stream as unknown as NodeJS.WriteStream,
  });
  const lines = (): Line[] =>
    text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Line);
  return { log, lines, text: () => text };
}

describe("requests that are refused", () => {
  it("are told in one line for many, by code, so long after the first of them", async () => {
    const { log, lines } = loggedLines();
    using refusals = new Refusals(log, 50);
    for (let i = 0; i < 1_000; i++) refusals.note(i % 10 === 0 ? "overloaded" : "malformed_json");
    assert.deepEqual(lines(), []);
    const [first] = await eventually("they are told", () =>
      lines().length > 0 ? lines() : undefined,
    );
    assert.deepEqual([first!.level, first!.msg], [30, "requests were refused"]);
    assert.deepEqual(first!.refused, { overloaded: 100, malformed_json: 900 });
    refusals.note("not_ready");
    refusals[Symbol.dispose]();
    assert.deepEqual(lines()[1]!.refused, { not_ready: 1 });
    refusals[Symbol.dispose]();
    assert.equal(lines().length, 2);
  });

  it("are told at a stop, without anything of what was sent or by whom", async () => {
    const { log, lines, text } = loggedLines();
    {
      const readiness = () => ({ ready: false, reason: "recovering" }) as const;
      await using side = await startHttpSide({}, { log, readiness });
      const sent = await fetch(`${side.url}/v1/top?nosuch=secret`, { headers: json });
      assert.equal(sent.status, 400);
      const lost = await fetch(`${side.url}/nowhere-4711`);
      assert.equal(lost.status, 404);
      assert.equal((await fetch(`${side.url}/readyz`)).status, 503);
    }
    assert.deepEqual(
      lines().map(({ refused }) => refused),
      [{ invalid_parameter: 1, not_found: 1 }],
    );
    assert.doesNotMatch(text(), /secret|4711|127\.0\.0\.1/);
  });
});
