import { isDeepStrictEqual } from "node:util";

/** Of rows in their order the first that is not as it should be; undefined where all are. */
export function firstDifference(
  what: string,
  found: readonly unknown[],
  wanted: readonly unknown[],
): string | undefined {
  const length = Math.max(found.length, wanted.length);
  for (let i = 0; i < length; i++) {
    if (isDeepStrictEqual(found[i], wanted[i])) continue;
    return `${what} has ${JSON.stringify(found[i])} instead of ${JSON.stringify(wanted[i])}`;
  }
  return undefined;
}
