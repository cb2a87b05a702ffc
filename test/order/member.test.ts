import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Clock } from "../../src/clock/clock.ts";
import { systemClock } from "../../src/clock/system-clock.ts";
import { CodedError } from "../../src/model/errors.ts";
import { Attendance } from "../../src/order/attendance.ts";
import { Member } from "../../src/order/member.ts";
import { noteOnce, readNote, writeNote } from "../../src/order/notes.ts";
import { OrderLog } from "../../src/order/order-log.ts";
import { OrderReader } from "../../src/order/order-reader.ts";
import type { ClickQueueWriter } from "../../src/queue/click-queue.ts";
import { openSqliteQueueReader } from "../../src/queue/sqlite/reader.ts";
import { openSqliteQueueWriter } from "../../src/queue/sqlite/writer.ts";
import { VirtualTime } from "../../src/simulation/world/virtual-time.ts";
import { Random } from "../../src/traffic/random.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** A real log; `spoil` may fail an append before or after it is in. */
async function openLogs() {
  const resources = new AsyncDisposableStack();
  const path = join(resources.use(await temporaryDirectory()).path, "order.sqlite");
  const writer = resources.use(
    await openSqliteQueueWriter({ path, partitionCount: 1, maxBytes: 1e9 }),
  );
  const logs = {
    spoil: (): "before" | "after" | undefined => undefined,
    async reader(snapshot?: Parameters<typeof OrderReader.open>[1]): Promise<OrderReader> {
      const append: ClickQueueWriter["append"] = async (records) => {
        const spoiled = logs.spoil();
        const away = new CodedError("queue_unavailable", "no answer");
        if (spoiled === "before") throw away;
        const positions = await writer.append(records);
        if (spoiled === "after") throw away;
        return positions;
      };
      const trim: ClickQueueWriter["trim"] = (partition, offset) => writer.trim(partition, offset);
      const log = new OrderLog(await openSqliteQueueReader({ path }), { append, trim });
      resources.use(log);
      return await OrderReader.open(log, snapshot);
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
  return logs;
}

const of = (instance: string, reader: OrderReader, clock: Clock = systemClock) => ({
  clock,
  reader,
  instance,
  partitionCount: 2,
});

describe("a member of the order of commits", () => {
  it("says everything once, whatever becomes of its appends", async () => {
    await using logs = await openLogs();
    const random = new Random(3);
    const member = await Member.enter(of("a", await logs.reader()));
    logs.spoil = () => (random.chance(0.4) ? random.pick(["before", "after"] as const) : undefined);
    const untilDone = async <T>(work: () => Promise<T>): Promise<T> => {
      for (;;) {
        try {
          return await work();
        } catch (error) {
          assert.ok(error instanceof CodedError && error.code === "queue_unavailable");
        }
      }
    };
    const { order } = member.reader;
    for (let i = 0; i < 60; i++) {
      const range = { partition: i % 2, fromOffset: order.endOf(i % 2), nextOffset: i + 1 };
      const reserved = await untilDone(() => member.reserve([range]));
      assert.equal(reserved.length, 1);
      if (random.chance(0.2)) {
        await untilDone(() => member.abandon());
        continue;
      }
      try {
        await member.done(reserved);
      } catch {
        await untilDone(() => member.settle());
      }
      assert.equal(order.endOf(i % 2), i + 1);
    }
    assert.equal(order.settledThrough, order.reservedThrough);
    logs.spoil = () => undefined;
    const later = await logs.reader();
    assert.deepEqual(later.order.state, order.state);
  });

  it("goes on from what was written down, also where the log is trimmed up to there", async () => {
    await using logs = await openLogs();
    const member = await Member.enter(of("a", await logs.reader()));
    const range = { partition: 0, fromOffset: 0, nextOffset: 5 };
    await member.done(await member.reserve([range]));
    const { snapshot, log } = member.reader;
    await log.trim(snapshot.offset);
    await assert.rejects(logs.reader(), { code: "data_corrupt" });
    const slept = await logs.reader(snapshot);
    await member.alive();
    await log.trim(snapshot.offset + 1);
    await assert.rejects(slept.readAll(), { code: "store_taken_over" });
    assert.equal(slept.isLost, true);
    await member.alive();
    const later = await logs.reader(member.reader.snapshot);
    assert.deepEqual(later.order.state, member.reader.order.state);
    assert.equal(later.order.endOf(0), 5);
  });

  it("is put out once it is not heard of, and hears it", async () => {
    await using logs = await openLogs();
    const time = new VirtualTime(new Random(1));
    const clock: Clock = {
      nowMs: () => time.nowMs,
      monotonicMs: () => time.nowMs,
      after: (timeMs, call) => time.after(timeMs, call),
      turn: async () => {},
    };
    const asleep = await Member.enter(of("asleep", await logs.reader(), clock));
    const awake = await Member.enter(of("awake", await logs.reader(), clock));
    assert.deepEqual([...awake.terms.keys()], [1]);
    const looks: number[] = [];
    await using _ = new Attendance({
      clock,
      member: awake,
      onLooked: () => looks.push(awake.terms.size),
    });
    for (let second = 0; second < 12; second++) {
      await time.drive(time.pause(1_000));
      await awake.settle();
    }
    assert.deepEqual([...awake.terms.keys()], [0, 1]);
    assert.ok(looks.length > 5, `${looks.length} looks`);
    await assert.rejects(asleep.alive(), { code: "store_taken_over" });
    await asleep.reader.readAll();
    assert.equal(asleep.isOut, true);
  });

  it("finds the note that was written first", async () => {
    await using logs = await openLogs();
    const [one, other] = [await logs.reader(), await logs.reader()];
    assert.deepEqual(await readNote(one, "x"), { revision: 0, text: "" });
    const texts = await Promise.all([
      noteOnce(one, systemClock, "x", "one"),
      noteOnce(other, systemClock, "x", "other"),
    ]);
    assert.equal(texts[0], texts[1]);
    const next = { revision: 2, text: "next" };
    assert.deepEqual(await writeNote(other, systemClock, "x", next), next);
    const late = { revision: 2, text: "late" };
    assert.deepEqual(await writeNote(one, systemClock, "x", late), next);
  });
});
