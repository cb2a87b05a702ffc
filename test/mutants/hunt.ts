/** Runs histories from seed 1 on until one fails, at most so many; prints the seed and what failed as JSON. */
import { planHistory } from "../../src/simulation/plan-history.ts";
import { runHistory } from "../../src/simulation/run-history.ts";

const seedsMax = Number(process.argv[2]);
for (let seed = 1; seed <= seedsMax; seed++) {
  const { failure } = await runHistory(planHistory(seed));
  if (failure === undefined) continue;
  console.log(JSON.stringify({ seed, failure }));
  process.exit(0);
}
console.log(JSON.stringify({ seed: null }));
