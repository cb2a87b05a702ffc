/** Who is measured when: each round has everyone once, and begins with another one, so that nobody always goes first. */
export function* inTurns<Name>(
  names: readonly Name[],
  rounds: number,
): Generator<{ readonly name: Name; readonly round: number }> {
  for (let round = 0; round < rounds; round++)
    for (let i = 0; i < names.length; i++)
      yield { name: names[(i + round) % names.length]!, round };
}
