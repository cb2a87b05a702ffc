/**
 * Runs histories of a kind: that of a seed, where one is given, then those from seed 1 on until one fails, at most so many; prints the
 * seed and what failed as JSON.
 */
import type { HistoryKind } from "../../src/simulation/history-kinds.ts";
import { historyKinds } from "../../src/simulation/history-kinds.ts";
import { runHistory } from "../../src/simulation/run-history.ts";

const [kind, ...numbers] = process.argv.slice(2);
const [seedsMax, knownSeed] = numbers.map(Number);
const { plan } = historyKinds[kind as HistoryKind];
const seeds = Array.from({ length: seedsMax! }, (_, i) => i + 1);
for (const seed of knownSeed === undefined ? seeds : [knownSeed, ...seeds]) {
  const { failure } = await runHistory(plan(seed));
  if (failure === undefined) continue;
  console.log(JSON.stringify({ seed, failure }));
  process.exit(0);
}
console.log(JSON.stringify({ seed: null }));
