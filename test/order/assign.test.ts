import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { assign } from "../../src/order/assign.ts";
import { Random } from "../../src/traffic/random.ts";

describe("the division of partitions", () => {
  it("gives every partition to one member, as many each as can be, and moves no more than it must", () => {
    const random = new Random(7);
    let owners: (string | undefined)[] = Array.from({ length: 8 }, () => undefined);
    let members: string[] = [];
    for (let i = 0; i < 300; i++) {
      const before = owners;
      const isEntry = members.length === 0 || (members.length < 11 && random.chance(0.5));
      const leaving = random.pick(members.length > 0 ? members : [""]);
      members = isEntry ? [...members, `m${i}`] : members.filter((own) => own !== leaving);
      owners = assign(before, members);
      if (members.length === 0) {
        assert.ok(owners.every((owner) => owner === undefined));
        continue;
      }
      const loads = members.map((own) => owners.filter((owner) => owner === own).length);
      assert.equal(
        loads.reduce((a, b) => a + b),
        8,
      );
      assert.ok(Math.max(...loads) - Math.min(...loads) <= 1, loads.join());
      const moved = owners.filter((owner, partition) => owner !== before[partition]).length;
      const needed = isEntry
        ? loads.at(-1)!
        : before.filter((owner) => owner === leaving || owner === undefined).length;
      assert.equal(moved, needed, `${before.join()} to ${owners.join()}`);
    }
  });
});
