/**
 * Runs the inputs of a corpus and mutants of them through a check. The same on every machine: the seed is fixed and
 * inputs are counted, not timed. `FUZZ_SEED=7` takes another seed, `FUZZ_SECONDS=600` goes on for that long with each
 * decoder.
 */

import { AssertionError } from "node:assert";
import { Random } from "../../src/traffic/random.ts";
import type { CorpusEntry } from "./corpus.ts";
import { readCorpus } from "./corpus.ts";
import { Mutator } from "./mutate.ts";
import { shrink } from "./shrink.ts";

/** Says what became of an input, in a word to be counted by; throws where that is wrong. */
export type Check = (input: Uint8Array) => string | Promise<string>;

export interface FuzzOptions {
  /** Its folder in the corpus. */
  readonly decoder: string;
  /** Mutants of a run that is not timed. */
  readonly mutants: number;
  readonly dictionary: readonly string[];
  readonly check: Check;
  /** Makes every other input by the structure of the format; absent: all are edits of the corpus. */
  readonly make?: (random: Random, mutator: Mutator) => Uint8Array;
  /** More inputs to start from, such as those that the test makes itself. */
  readonly seeds?: readonly CorpusEntry[];
  /** Where the numbers of the run are told. */
  readonly tell: (message: string) => void;
}

/** How many inputs ended how. */
export type Tally = ReadonlyMap<string, number>;

/** Bytes of an input that a failure prints. */
const printedBytesMax = 4096;

export async function fuzz(options: FuzzOptions): Promise<Tally> {
  const { decoder, mutants, dictionary, check, make, seeds = [], tell } = options;
  const seed = Number(process.env["FUZZ_SEED"] ?? 1);
  const seconds = Number(process.env["FUZZ_SECONDS"] ?? 0);
  const startMs = performance.now();
  const corpus = [...readCorpus(decoder), ...seeds];
  const random = new Random(seed);
  const mutator = new Mutator({ random, corpus: corpus.map(({ bytes }) => bytes), dictionary });
  const tally = new Map<string, number>();
  const take = async (input: Uint8Array, name: string): Promise<void> => {
    let word: string;
    try {
      word = await check(input);
    } catch (error) {
      throw await failureOf(input, check, `${decoder}, seed ${seed}, ${name}`, error);
    }
    tally.set(word, (tally.get(word) ?? 0) + 1);
  };
  for (const { name, bytes } of corpus) await take(bytes, `corpus ${name}`);
  const isOver = (count: number): boolean =>
    seconds > 0 ? performance.now() - startMs > seconds * 1000 : count >= mutants;
  let count = 0;
  for (; !isOver(count); count++) {
    const input = make && random.chance(0.5) ? make(random, mutator) : mutator.next();
    await take(input, `mutant ${count}`);
  }
  const outcomes = [...tally].map(([word, times]) => `${word} ${times}`).join(", ");
  const lastedMs = Math.round(performance.now() - startMs);
  tell(`${decoder}: ${corpus.length + count} inputs in ${lastedMs} ms, seed ${seed}: ${outcomes}`);
  return tally;
}

/** The error with the smallest input found that still ends in one. */
async function failureOf(
  input: Uint8Array,
  check: Check,
  where: string,
  cause: unknown,
): Promise<Error> {
  const small = await shrink(input, async (candidate) => {
    try {
      await check(candidate);
      return false;
    } catch {
      return true;
    }
  });
  const shown = Buffer.from(small.subarray(0, printedBytesMax));
  const why = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  return new AssertionError({
    message: [
      `${where}: an input of ${input.length} bytes, shrunk to ${small.length}`,
      `text: ${JSON.stringify(shown.toString("latin1"))}`,
      `hex:  ${shown.toString("hex")}`,
      why,
    ].join("\n"),
  });
}
