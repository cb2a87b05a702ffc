import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Decision } from "../../src/order/commit-order.ts";
import { CommitOrder } from "../../src/order/commit-order.ts";
import type { CommitRange, OrderRecord } from "../../src/order/order-record.ts";
import { decodeOrderRecord, encodeOrderRecord } from "../../src/order/order-record.ts";
import { Random } from "../../src/traffic/random.ts";

const partitionCount = 4;
const stepCount = 3_000;

/** A row of a table: what a commit has brought, under its sequence. */
interface Row {
  readonly sequence: number;
  readonly partition: number;
  readonly offset: number;
}

/** The log that all append to, and the tables that all write to. Inserts that were begun may arrive much later. */
class World {
  readonly log: OrderRecord[] = [];
  readonly rows: Row[] = [];
  readonly random: Random;
  private late: Row[][] = [];
  private names = 0;

  constructor(random: Random) {
    this.random = random;
  }

  newName(): string {
    return `member-${++this.names}`;
  }

  append(record: OrderRecord): void {
    this.log.push(record);
    // A client that has no answer sends again.
    if (this.random.chance(0.1)) this.log.push(record);
    // Its first try may still arrive, long after.
    if (this.random.chance(0.02)) this.log.push(this.random.pick(this.log));
  }

  /** An insert of which nobody knows what becomes: in part, and when. */
  insertLate(rows: readonly Row[]): void {
    this.late.push(rows.filter(() => this.random.chance(0.7)));
  }

  someArrive(): void {
    const arriving = this.late.filter(() => this.random.chance(0.2));
    this.late = this.late.filter((rows) => !arriving.includes(rows));
    this.rows.push(...arriving.flat());
  }
}

/** A process that counts: it knows of the log what it has read, which may be long ago. */
class Process {
  private readonly world: World;
  private readonly instance: string;
  private order = new CommitOrder();
  private name = "";
  private number = 0;
  private readPosition = 0;
  private isReserving = false;
  /** How many of what it has reserved it has written, oldest first. */
  private written = 0;
  private isFinishing = false;

  constructor(world: World, instance: string) {
    this.world = world;
    this.instance = instance;
    this.enterAnew();
  }

  step(): void {
    const { world, order } = this;
    const { random } = world;
    const end = Math.min(world.log.length, this.readPosition + random.between(0, 6));
    while (this.readPosition < end) order.apply(world.log[this.readPosition++]!);
    // What it goes on from is written down at times, and read again.
    if (random.chance(0.02))
      this.order = CommitOrder.from(JSON.parse(JSON.stringify(order.state)) as typeof order.state);
    const reserved = order.reservedBy(this.name);
    if (!reserved) {
      // Out, or its entry is not read yet: a wrong guess costs it a name.
      if (this.readPosition >= world.log.length || random.chance(0.02)) this.enterAnew();
      return;
    }
    if (this.isReserving && order.nextNumberOf(this.name) !== this.number) return;
    this.isReserving = false;
    if (reserved.length === 0) {
      this.isFinishing = false;
      this.written = 0;
      this.reserve();
    } else if (this.isFinishing) {
      if (order.nextNumberOf(this.name) === this.number) this.isFinishing = false;
    } else if (this.written < reserved.length && random.chance(0.8)) {
      const { sequence, range } = reserved[this.written]!;
      const rows = rowsOf(sequence, range);
      if (random.chance(0.2)) {
        world.insertLate(rows);
        this.written = 0;
        this.isFinishing = true;
        world.append({ kind: "abandon", member: this.name, number: this.number++ });
      } else {
        world.rows.push(...rows);
        this.written++;
      }
    } else if (this.written > 0) {
      const through = reserved[Math.min(this.written, reserved.length) - 1]!.sequence;
      this.written = 0;
      this.isFinishing = true;
      world.append({ kind: "done", member: this.name, number: this.number++, through });
    }
  }

  /** Of whom nothing more comes but inserts that are on their way. */
  die(): void {
    if (this.isFinishing) return;
    for (const { sequence, range } of this.order.reservedBy(this.name)?.slice(this.written) ?? [])
      if (this.world.random.chance(0.5)) this.world.insertLate(rowsOf(sequence, range));
  }

  private enterAnew(): void {
    this.name = this.world.newName();
    this.number = 1;
    this.isReserving = false;
    this.isFinishing = false;
    this.written = 0;
    const { name: member, instance } = this;
    this.world.append({ kind: "enter", member, number: 0, instance, partitionCount });
  }

  private reserve(): void {
    const { world, order } = this;
    const own = [...order.termsOf(this.name).keys()].filter(() => world.random.chance(0.6));
    if (own.length === 0) return;
    const ranges = own.map((partition) => {
      const fromOffset = order.endOf(partition);
      return { partition, fromOffset, nextOffset: fromOffset + world.random.between(1, 5) };
    });
    this.isReserving = true;
    world.append({ kind: "reserve", member: this.name, number: this.number++, ranges });
  }
}

function rowsOf(sequence: number, { partition, fromOffset, nextOffset }: CommitRange): Row[] {
  return Array.from({ length: nextOffset - fromOffset }, (_, i) => ({
    sequence,
    partition,
    offset: fromOffset + i,
  }));
}

function fold(log: readonly OrderRecord[]): { order: CommitOrder; decisions: Decision[] } {
  const order = new CommitOrder();
  return { order, decisions: log.flatMap((record) => order.apply(record)) };
}

/** Offsets that whoever has read so much of the log tells, by partition, in order. */
function told(world: World, { voids }: CommitOrder, asOf: number): number[][] {
  const seen = world.rows.filter(
    ({ sequence }) =>
      sequence <= asOf && !voids.some(([first, last]) => sequence >= first && sequence <= last),
  );
  return Array.from({ length: partitionCount }, (_, partition) =>
    seen
      .filter((row) => row.partition === partition)
      .map(({ offset }) => offset)
      .toSorted((a, b) => a - b),
  );
}

const enter = (member: string, instance = member): OrderRecord => ({
  kind: "enter",
  member,
  number: 0,
  instance,
  partitionCount: 2,
});

describe("the order of commits", () => {
  it("lets nobody back in under a name that was out", () => {
    const { order } = fold([enter("a"), { kind: "expel", member: "a" }, enter("b"), enter("a")]);
    assert.deepEqual(order.memberNames, ["b"]);
    assert.deepEqual(
      [...order.termsOf("b")],
      [
        [0, 3],
        [1, 3],
      ],
    );
  });

  it("takes a process that comes back for the one it was", () => {
    const { order } = fold([enter("a", "x"), enter("b", "y"), enter("c", "x")]);
    assert.deepEqual(order.memberNames, ["b", "c"]);
    assert.deepEqual([[...order.termsOf("b").keys()], [...order.termsOf("c").keys()]], [[1], [0]]);
  });

  it("lets all that a process has not finished count for nothing where it loses a partition", () => {
    const [first, second] = [0, 1].map((partition) => ({
      partition,
      fromOffset: 0,
      nextOffset: 3,
    }));
    const { order, decisions } = fold([
      enter("a"),
      { kind: "reserve", member: "a", number: 1, ranges: [first!, second!] },
      enter("b"),
      { kind: "done", member: "a", number: 2, through: 2 },
      { kind: "reserve", member: "a", number: 3, ranges: [{ ...second!, fromOffset: 0 }] },
    ]);
    assert.deepEqual(decisions, [
      { sequence: 1, range: first, counts: false },
      { sequence: 2, range: second, counts: false },
    ]);
    assert.deepEqual([order.endOf(0), order.endOf(1), order.reservedThrough], [0, 0, 2]);
    assert.deepEqual(order.voids, [[1, 2]]);
  });

  it("puts out who goes on elsewhere than where its partition ends", () => {
    const range = { partition: 1, fromOffset: 0, nextOffset: 3 };
    const behind = { partition: 1, fromOffset: 4, nextOffset: 5 };
    const { order, decisions } = fold([
      enter("a"),
      { kind: "reserve", member: "a", number: 1, ranges: [range, behind, range] },
      { kind: "done", member: "a", number: 2, through: 3 },
    ]);
    assert.deepEqual(
      decisions.map(({ counts }) => counts),
      [true, false, false],
    );
    assert.deepEqual([order.memberNames, order.endOf(1), order.settledThrough], [[], 3, 3]);
    assert.deepEqual(order.voids, [[2, 3]]);
  });

  it("keeps a note that was written first, and takes the next one by its revision", () => {
    const note = (revision: number, text: string): OrderRecord => ({
      kind: "note",
      name: "settings",
      revision,
      text,
    });
    const { order } = fold([note(1, "a"), note(1, "b"), note(3, "c"), note(2, "d"), note(2, "e")]);
    assert.deepEqual(order.note("settings"), { revision: 2, text: "d" });
    assert.equal(order.note("other"), undefined);
  });

  it("refuses records of a later release, and what is no record", () => {
    const record = enter("a");
    assert.deepEqual(decodeOrderRecord(encodeOrderRecord(record)), record);
    const of = (text: string): Uint8Array => new TextEncoder().encode(text);
    assert.throws(() => decodeOrderRecord(of('{"v":2,"kind":"x"}')), { code: "data_format_newer" });
    for (const text of ["", "{", "{}", '{"v":1}', '{"v":0,"kind":"x"}'])
      assert.throws(() => decodeOrderRecord(of(text)), { code: "data_corrupt" }, text);
  });

  for (let seed = 1; seed <= 30; seed++) {
    it(`counts every record once, whoever dies, sleeps or is late (seed ${seed})`, () => {
      const random = new Random(seed);
      const world = new World(random);
      const processes = Array.from({ length: 3 }, (_, i) => new Process(world, `instance-${i}`));
      const reports: { asOf: number; offsets: number[][] }[] = [];
      for (let i = 0; i < stepCount; i++) {
        // One steps at a time, and some are not heard of for long.
        const index = random.chance(0.9) ? Math.floor(i / 40) % processes.length : random.below(3);
        processes[index]!.step();
        world.someArrive();
        if (random.chance(0.003)) {
          processes[index]!.die();
          processes[index] = new Process(world, `instance-${index}`);
        }
        if (random.chance(0.01)) {
          const record = world.log[random.below(world.log.length)]!;
          if ("member" in record) world.append({ kind: "expel", member: record.member });
        }
        if (!random.chance(0.02)) continue;
        const { order, decisions } = fold(world.log);
        const asOf = order.settledThrough;
        assert.deepEqual(
          decisions.map(({ sequence }) => sequence),
          Array.from({ length: asOf }, (_, k) => k + 1),
        );
        const offsets = told(world, order, asOf);
        for (const own of offsets) assert.deepEqual(own, [...own.keys()]);
        reports.push({ asOf, offsets });
      }
      const { order, decisions } = fold(world.log);
      const counted = decisions.filter(({ counts }) => counts).length;
      assert.ok(counted > 30, `only ${counted} commits`);
      assert.ok(decisions.length - counted > 3, "none was void");
      const voids = decisions.filter(({ counts }) => !counts).map(({ sequence }) => sequence);
      assert.deepEqual(
        order.voids
          .flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i))
          .filter((sequence) => sequence <= order.settledThrough),
        voids,
      );
      for (const { asOf, offsets } of reports)
        assert.deepEqual(told(world, order, asOf), offsets, `as of ${asOf}`);
    });
  }
});
