/**
 * Runs the history of a seed, where one is given, then those from seed 1 on until one fails, at most so many; prints the
 * seed and what failed as JSON.
 */
import { planHistory } from "../../src/simulation/plan-history.ts";
import { runHistory } from "../../src/simulation/run-history.ts";

const [seedsMax, knownSeed] = process.argv.slice(2).map(Number);
const seeds = Array.from({ length: seedsMax! }, (_, i) => i + 1);
for (const seed of knownSeed === undefined ? seeds : [knownSeed, ...seeds]) {
  const { failure } = await runHistory(planHistory(seed));
  if (failure === undefined) continue;
  console.log(JSON.stringify({ seed, failure }));
  process.exit(0);
}
console.log(JSON.stringify({ seed: null }));
