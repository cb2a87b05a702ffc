import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { factsAfterMove, progressAfterMove } from "../../src/migrate/facts-after-move.ts";
import { movedPartition } from "../../src/model/partition.ts";
import type { RecoveredState } from "../../src/store/click-store.ts";
import { closedPeriods } from "../../src/store/closed-periods.ts";
import type { MovedRow } from "../../src/store/store-moves.ts";

const nothing: RecoveredState = {
  sequence: 9,
  progress: [],
  dictionaries: new Map(),
  configs: [],
  closes: [],
  layoutChanges: [],
  droppedDays: [],
};
const plan = { source: "s", sequence: 9, partitionsBefore: 2, partitions: 3 };

const close = (partition: number, throughMinute: number, asOf: number) => ({
  id: `to ${throughMinute}`,
  throughMinute,
  tz: "UTC",
  partition,
  receivedAtMs: asOf * 10,
  asOf,
});

const layout = (partition: number, asOf: number, dimensions = ["country"]) => ({
  id: "r",
  partition,
  fromMinute: 10,
  toMinute: 20,
  dimensions,
  asOf,
});

describe("what the partitions of a new log begin with", () => {
  it("has every closed period, as of its last seal, with what each partition of before had sealed", () => {
    const closes = [close(1, 100, 3), close(0, 100, 5), close(0, 300, 6), close(1, 200, 8)];
    const before = closedPeriods(closes, 2);
    const after = closedPeriods(factsAfterMove({ ...nothing, closes }, plan).closes, 3);
    const told = ({ throughMinute, id, tz, asOf }: (typeof before)[number]) =>
      [throughMinute, id, tz, asOf] as const;
    assert.deepEqual(after.map(told), before.map(told));
    assert.deepEqual(
      after.map(({ throughMinute }) => throughMinute),
      [100, 200],
      "what one partition alone had sealed is open",
    );
    for (const [i, { seals }] of before.entries())
      for (const { partition, asOf } of seals)
        assert.deepEqual(
          after[i]!.seals.find((own) => own.partition === movedPartition(partition)),
          { partition: movedPartition(partition), asOf },
        );
  });

  it("has what a recompute made of minutes, by all partitions where those of before agree", () => {
    const layoutChanges = [layout(1, 4), layout(0, 6)];
    const after = factsAfterMove({ ...nothing, layoutChanges }, plan).layoutChanges;
    assert.deepEqual(
      after.map(({ partition, asOf }) => [partition, asOf]),
      [
        [0, 6],
        [1, 6],
        [2, 6],
      ],
    );
  });

  it("keeps minutes apart that partitions of before had laid out in different ways", () => {
    const layoutChanges = [layout(0, 4, ["country"]), layout(1, 5, ["device"])];
    const state = { ...nothing, layoutChanges };
    const after = factsAfterMove(state, plan).layoutChanges;
    assert.deepEqual(
      after.map(({ partition, dimensions }) => [partition, dimensions.join()]),
      [
        [0, "country"],
        [1, "device"],
        [2, "country"],
      ],
    );
    assert.throws(() => factsAfterMove(state, { partitionsBefore: 2, partitions: 1 }), {
      code: "invalid_configuration",
      field: "queue.partitions",
    });
  });

  it("has dropped a day where any partition of before had", () => {
    const dropped = { day: 5, what: "raw" } as const;
    const droppedDays = [
      { ...dropped, partition: 0, receivedDay: 6, asOf: 2 },
      { ...dropped, partition: 1, receivedDay: 7, asOf: 3 },
      { ...dropped, partition: 1, day: 4, receivedDay: 4, asOf: 3 },
    ];
    const after = factsAfterMove({ ...nothing, droppedDays }, plan).droppedDays;
    assert.deepEqual(
      after.map(({ day, partition, receivedDay, asOf }) => [day, partition, receivedDay, asOf]),
      [0, 1, 2]
        .map((partition) => [5, partition, 7, 3])
        .concat([0, 1, 2].map((partition) => [4, partition, 4, 3])),
    );
  });

  it("begins at the highest watermark, and as of a commit of before is where the slowest partition was", async () => {
    async function* commits(): AsyncGenerator<readonly MovedRow[]> {
      yield [
        [1, 0, 100, -Infinity],
        [2, 0, 200, 1_000],
      ];
      yield [
        [4, 1, 400, 700],
        [6, 0, 600, 5_000],
        [9, 1, 900, 900],
      ];
    }
    const told: (readonly number[])[] = [];
    for await (const rows of progressAfterMove(commits(), plan))
      for (const { sequence, partition, watermarkMs } of rows)
        told.push([sequence, partition, watermarkMs]);
    const of = (sequence: number, watermarkMs: number) =>
      [0, 1, 2].map((partition) => [sequence, partition, watermarkMs]);
    assert.deepEqual(told, [...of(4, 700), ...of(9, 900), ...of(10, 5_000)]);
  });
});
