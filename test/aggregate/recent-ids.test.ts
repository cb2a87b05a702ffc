import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Known, RecentIds } from "../../src/aggregate/recent-ids.ts";
import { Random } from "../../src/traffic/random.ts";

/** Few different words, so that hashes share segments, home slots and order words. */
const hashes = fc
  .tuple(fc.nat(3), fc.integer({ min: 1, max: 6 }), fc.nat(2), fc.nat(1))
  .map(([a, b, c, d]) => Uint32Array.of(a * 0x10000000 + (c & 1), b * 0x20000000, c, d));

const operations = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: fc.record({ hash: hashes, minute: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ sweepMinutes: fc.integer({ min: 1, max: 2 }) }) },
    { weight: 2, arbitrary: fc.record({ sweptIds: fc.integer({ min: 1, max: 40 }) }) },
  ),
  { maxLength: 400 },
);

interface KnownId {
  readonly key: string;
  readonly minute: number;
}

describe("the recent tier", () => {
  it("knows the same ids as a plain list, through growth and sweeps, also while one is under way", () => {
    fc.assert(
      fc.property(operations, fc.nat(70_000), fc.boolean(), (steps, firstMinute, isBusy) => {
        const ids = new RecentIds(firstMinute);
        const known: KnownId[] = [];
        const sweep = (idsMax: number): void => {
          ids.sweep(idsMax, isBusy ? 1.5 : 1.05, (words, at, minute) => {
            const key = words.slice(at, at + 4).join();
            const index = known.findIndex((id) => id.key === key && id.minute === minute);
            assert.ok(index >= 0 && minute < ids.firstMinute, `${key} of ${minute} was swept`);
            known.splice(index, 1);
          });
          if (!ids.isSweeping) assert.ok(known.every(({ minute }) => minute >= ids.firstMinute));
        };
        for (const step of steps) {
          if ("sweepMinutes" in step) {
            sweep(Infinity);
            ids.beginSweep(ids.firstMinute + step.sweepMinutes);
          } else if ("sweptIds" in step) sweep(step.sweptIds);
          else {
            const minute = ids.earliestMinute + step.minute;
            const recentMinute = ids.firstMinute + 2;
            if (!ids.holds(step.hash, 0, minute)) continue;
            const key = step.hash.join();
            const minutes = known.filter((id) => id.key === key).map((id) => id.minute);
            const expected = minutes.includes(minute)
              ? Known.sameMinute
              : minutes.some((other) => other >= recentMinute)
                ? Known.otherMinute
                : Known.not;
            assert.equal(ids.find(step.hash, 0, minute, recentMinute), expected);
            assert.equal(ids.add(step.hash, 0, minute, recentMinute), expected);
            if (expected === Known.not) known.push({ key, minute });
          }
          assert.equal(ids.size, known.length);
        }
        sweep(Infinity);
        const countByMinute = Map.groupBy(known, ({ minute }) => minute);
        for (const [minute, { ids: count }] of ids.countByMinute())
          assert.equal(count, countByMinute.get(minute)?.length ?? 0);
      }),
      { numRuns: 300 },
    );
  });

  it("holds the same after loading ids as after adding them one by one", () => {
    const few = fc.array(fc.record({ hash: hashes, minute: fc.nat(9) }), { maxLength: 200 });
    fc.assert(
      fc.property(fc.array(few, { maxLength: 4 }), fc.nat(70_000), (rounds, firstMinute) => {
        const added = new RecentIds(firstMinute);
        const loaded = new RecentIds(firstMinute);
        for (const [i, ids] of rounds.entries()) {
          const moved = ids.map(({ hash, minute }) => ({ hash, minute: firstMinute + minute }));
          for (const { hash, minute } of moved) added.add(hash, 0, minute, Infinity);
          // Every second round finds what came before it as it is after growing in place.
          if (i % 2 === 0) for (const { hash, minute } of moved) loaded.load(hash, 0, minute);
          else for (const { hash, minute } of moved) loaded.add(hash, 0, minute, Infinity);
          loaded.endLoad();
          assertSame(loaded, added, moved);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("holds the same after loading half a million ids, some of them again", () => {
    const random = new Random(2);
    const ids = Array.from({ length: 500_000 }, (_, i) => ({
      hash: Uint32Array.from({ length: 4 }, () => random.word() || 1),
      minute: Math.floor(i / 20_000),
    }));
    for (let i = 7; i < ids.length; i += 10)
      ids[i] = { hash: ids[i - 7]!.hash, minute: ids[i % 20 === 7 ? i - 7 : i]!.minute };
    const added = new RecentIds(0);
    const loaded = new RecentIds(0);
    for (const { hash, minute } of ids) added.add(hash, 0, minute, Infinity);
    for (const { hash, minute } of ids) loaded.load(hash, 0, minute);
    loaded.endLoad();
    assert.ok(loaded.size < ids.length && loaded.bytes / ids.length <= 24);
    assertSame(loaded, added, ids);
    for (const table of [loaded, added]) {
      table.beginSweep(13);
      table.sweep(Infinity, 1.5, () => {});
    }
    assertSame(loaded, added, ids);
  });

  it("takes at most 24 bytes an id once it is filled", () => {
    const ids = new RecentIds(0);
    fill(
      ids,
      1_200_000,
      () => 3,
      (count) => {
        if (count <= 200_000 || count % 10_000 !== 0) return;
        assert.ok(
          ids.bytes / ids.size <= 24,
          `${ids.bytes / ids.size} bytes an id at ${count} ids`,
        );
      },
    );
    assert.equal(ids.size, 1_200_000);
  });

  it("stays at one size where as many ids come as are forgotten", () => {
    const ids = new RecentIds(0);
    const idsAMinute = 40_000;
    let most = 0;
    fill(
      ids,
      40 * idsAMinute,
      (count) => Math.floor(count / idsAMinute),
      (count) => {
        if (ids.isSweeping) ids.sweep(1_000, 1.5, () => {});
        if (count % idsAMinute === 0) ids.beginSweep(count / idsAMinute - 5);
        if (count === 8 * idsAMinute) most = ids.bytes;
        // Some of the 256 segments still meet their largest minute and grow by a step.
        if (count > 8 * idsAMinute) assert.ok(ids.bytes <= most * 1.15, `${ids.bytes} of ${most}`);
      },
    );
    assert.ok(most / (6.2 * idsAMinute) <= 24, `${most} bytes`);
  });

  it("gives room back where it is told to", () => {
    const ids = new RecentIds(0);
    fill(ids, 100_000, () => 3);
    const { bytes } = ids;
    ids.beginSweep(4);
    ids.sweep(Infinity, 1.05, () => {});
    assert.equal(ids.size, 0);
    assert.ok(ids.bytes < bytes / 5, `${ids.bytes} of ${bytes} bytes`);
  });
});

function assertSame(
  one: RecentIds,
  other: RecentIds,
  ids: readonly { readonly hash: Uint32Array; readonly minute: number }[],
): void {
  assert.equal(one.size, other.size);
  assert.deepEqual(one.countByMinute(), other.countByMinute());
  for (const { hash, minute } of ids)
    for (const [asked, recent] of [
      [minute, Infinity],
      [minute + 1, 0],
    ] as const)
      assert.equal(one.find(hash, 0, asked, recent), other.find(hash, 0, asked, recent));
}

/** Adds different ids; `each` after every one, with how many there were. */
function fill(
  ids: RecentIds,
  total: number,
  minuteOf: (count: number) => number,
  each: (count: number) => void = () => {},
): void {
  const random = new Random(1);
  const words = new Uint32Array(4);
  for (let count = 1; count <= total; count++) {
    for (let i = 0; i < 4; i++) words[i] = random.word() || 1;
    ids.add(words, 0, minuteOf(count), 0);
    each(count);
  }
}
