import type { Random } from "../../src/traffic/random.ts";

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const values: readonly Json[] = [
  null,
  true,
  false,
  0,
  1,
  2,
  -1,
  1.5,
  3_000_000_000,
  2 ** 53,
  1e300,
  "",
  "1",
  "x",
  [],
  {},
  [1],
];

/** A document that stays JSON: one value in it is another one, or gone. */
export function mutatedJson(document: string, random: Random): string {
  const root = { root: JSON.parse(document) as Json };
  let parent: { [name: string]: Json } = root;
  let name = "root";
  for (;;) {
    const value = parent[name];
    if (typeof value !== "object" || value === null || random.chance(0.1)) break;
    const names = Object.keys(value);
    if (names.length === 0) break;
    parent = value as { [name: string]: Json };
    name = random.pick(names);
  }
  if (random.chance(0.1) && parent !== root) delete parent[name];
  else parent[name] = random.pick(values);
  return JSON.stringify(root.root);
}
