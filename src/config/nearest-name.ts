/** The known name that `name` was probably meant to be. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const misplaced = known.find((candidate) => candidate.endsWith(`.${name}`));
  if (misplaced !== undefined) return misplaced;
  let nearest: string | undefined;
  let distanceMin = Math.max(2, Math.floor(name.length / 4)) + 1;
  for (const candidate of known) {
    // At least so many letters differ.
    if (Math.abs(name.length - candidate.length) >= distanceMin) continue;
    const distance = editDistance(name, candidate);
    if (distance < distanceMin) [nearest, distanceMin] = [candidate, distance];
  }
  return nearest;
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(
        Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)),
      );
    }
    row = next;
  }
  return row[b.length]!;
}
