import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { ProgressBar } from "../../src/commands/progress-bar.ts";
import { eventually } from "../support/eventually.ts";

/** Standard error, as a terminal of 80 columns or as a pipe. */
function output(isTTY: boolean): { stream: NodeJS.WriteStream; written: () => string } {
  const stream = new PassThrough();
  const text: string[] = [];
  stream.setEncoding("utf8").on("data", (part: string) => text.push(part));
  return {
    stream: Object.assign(stream, { isTTY, columns: 80 }) as unknown as NodeJS.WriteStream,
    written: () => text.join(""),
  };
}

void test("on a terminal it draws a bar in place and takes it away", () => {
  const { stream, written } = output(true);
  const bar = new ProgressBar({ label: "a.csv", unit: "rows", output: stream });
  bar.update(0.5, 1_234);
  bar.print("row 7 is wrong");
  bar.finish();
  const [, drawn, ...rest] = written().split("\r\u001b[K");
  assert.match(drawn!, /^a\.csv \[#{12}-{12}\] 50 %\s+1,234 rows/);
  assert.ok(drawn!.length < 80);
  assert.deepEqual(rest, ["row 7 is wrong\n", ""]);
});

void test("elsewhere it writes plain lines, and none for short work", () => {
  const { stream, written } = output(false);
  const bar = new ProgressBar({ label: "a.csv", unit: "rows", output: stream });
  for (let i = 0; i < 100; i++) bar.update(i / 100, i);
  bar.print("row 7 is wrong");
  bar.finish();
  assert.equal(written(), "row 7 is wrong\n");
});

void test("work of which nobody knows how far it is has a bar that moves on a terminal", async () => {
  const { stream, written } = output(true);
  const work = Promise.withResolvers<number>();
  const done = ProgressBar.during({ label: "recompute", output: stream }, work.promise);
  await eventually("it has moved", () =>
    new Set(written().match(/\[[#-]{24}\]/g)).size > 1 ? true : undefined,
  );
  work.resolve(7);
  assert.equal(await done, 7);
  const [, first, ...rest] = written().split("\r\u001b[K");
  assert.match(first!, /^recompute \[#{6}-{18}\] \d s so far$/);
  assert.equal(rest.at(-1), "");
});

void test("work that can be looked at has a bar that fills, and ends where the work fails", async () => {
  const { stream, written } = output(true);
  const work = Promise.withResolvers<never>();
  let share = 0;
  const looks = async (): Promise<number> => Math.min(0.75, (share += 0.25));
  const done = ProgressBar.during({ label: "backup", output: stream }, work.promise, looks);
  const failed = assert.rejects(done, /no room/);
  await eventually("it has filled", () =>
    written().includes("backup [##################------] 75 %") ? true : undefined,
  );
  work.reject(new Error("no room"));
  await failed;
  assert.ok(written().endsWith("\r\u001b[K"));
});

void test("elsewhere short work of that kind says nothing", async () => {
  const { stream, written } = output(false);
  await ProgressBar.during({ label: "backup", output: stream }, Promise.resolve());
  assert.equal(written(), "");
});
