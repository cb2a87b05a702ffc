/**
 * Which member has which partition: as many each as can be, and none moves that need not. Without I/O; everybody who reads the
 * same records comes to the same.
 */

/** `owners`: by partition, undefined where nobody has it. `members`: in the order of their entry. */
export function assign(
  owners: readonly (string | undefined)[],
  members: readonly string[],
): (string | undefined)[] {
  if (members.length === 0) return owners.map(() => undefined);
  const assigned = owners.map((owner) =>
    owner !== undefined && members.includes(owner) ? owner : undefined,
  );
  const loadOf = (member: string): number => assigned.filter((owner) => owner === member).length;
  const least = (): string => members.reduce((a, b) => (loadOf(b) < loadOf(a) ? b : a));
  const most = (): string => members.reduce((a, b) => (loadOf(b) > loadOf(a) ? b : a));
  for (const [partition, owner] of assigned.entries())
    if (owner === undefined) assigned[partition] = least();
  for (;;) {
    const [from, to] = [most(), least()];
    if (loadOf(from) - loadOf(to) <= 1) return assigned;
    assigned[assigned.lastIndexOf(from)] = to;
  }
}
