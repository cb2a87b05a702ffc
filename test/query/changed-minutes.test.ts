import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MinuteDeltas } from "../../src/model/commit.ts";
import { ChangedMinutes } from "../../src/query/changed-minutes.ts";

function commit(sequence: number, ...minutes: number[]) {
  const nothing = new Int32Array(minutes.length);
  const deltas: MinuteDeltas = {
    rowCount: minutes.length,
    minutes: Int32Array.from(minutes),
    adKeys: nothing,
    dimensionKeys: new Map(),
    counts: nothing,
    restated: new Uint8Array(minutes.length),
  };
  return { sequence, minutes: deltas };
}

describe("the minutes that commits touched", () => {
  it("are those from the first to the last of the commits after one", () => {
    const changed = new ChangedMinutes(10);
    changed.apply(commit(11, 5, 3, 4));
    changed.apply(commit(12));
    changed.apply(commit(13, 90));
    assert.deepEqual(changed.after(10), { fromMinute: 3, toMinute: 91 });
    assert.deepEqual(changed.after(11), { fromMinute: 90, toMinute: 91 });
    assert.deepEqual(changed.after(12), { fromMinute: 90, toMinute: 91 });
    assert.deepEqual(changed.after(13), { fromMinute: 0, toMinute: 0 });
  });

  it("are not known of commits before the first, nor of those that were forgotten", () => {
    const changed = new ChangedMinutes(10, 4);
    assert.equal(changed.after(9), undefined);
    assert.deepEqual(changed.after(10), { fromMinute: 0, toMinute: 0 });
    for (let sequence = 11; sequence <= 40; sequence++) changed.apply(commit(sequence, sequence));
    assert.equal(changed.after(10), undefined);
    const known = Array.from({ length: 30 }, (_, i) => 10 + i).filter((i) => changed.after(i));
    assert.ok(known.length >= 4 && known.length <= 9, String(known));
    for (const sequence of known)
      assert.deepEqual(changed.after(sequence), { fromMinute: sequence + 1, toMinute: 41 });
  });
});
