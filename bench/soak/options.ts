import { parseArgs } from "node:util";
import { CodedError } from "../../src/model/errors.ts";
import { parseDuration } from "../../src/config/units.ts";

export const usage = `npm run soak -- [--rate 50000] [--minutes 30] [--dedup-horizon 5m] [--seed 1]
                [--sample-seconds 10] [--json]

Holds a rate of clicks for a time and compares the first window after warm-up with the last one.
Other settings of the service come from CLICKTALLY_… variables, as always.
Exit code: 0 held, 1 drifted, 2 wrong usage, 3 could not finish.`;

export interface SoakOptions {
  /** Clicks a second. */
  readonly rate: number;
  readonly minutes: number;
  /** As the setting is written. */
  readonly dedupHorizon: string;
  readonly seed: number;
  readonly sampleSeconds: number;
  readonly json: boolean;
}

/** CodedError `invalid_parameter` where an argument is wrong; undefined where help is asked for. */
export function readOptions(args: readonly string[]): SoakOptions | undefined {
  const flags = parse(args);
  if (flags.help === true) return undefined;
  const dedupHorizon = flags["dedup-horizon"];
  if (parseDuration(dedupHorizon) === undefined) {
    throw wrong("dedup-horizon", dedupHorizon, "a duration such as 5m");
  }
  const minutes = numberOf("minutes", flags.minutes, 0.1, 100_000);
  return {
    rate: numberOf("rate", flags.rate, 1, 1_000_000),
    minutes,
    dedupHorizon,
    seed: numberOf("seed", flags.seed, 0, 2 ** 32),
    // A window is a tenth of the run and needs some samples.
    sampleSeconds: numberOf("sample-seconds", flags["sample-seconds"], 0.1, minutes * 3),
    json: flags.json,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        rate: { type: "string", default: "50000" },
        minutes: { type: "string", default: "30" },
        "dedup-horizon": { type: "string", default: "5m" },
        seed: { type: "string", default: "1" },
        "sample-seconds": { type: "string", default: "10" },
        json: { type: "boolean", default: false },
        help: { type: "boolean" },
      },
    }).values;
  } catch (error) {
    throw new CodedError("invalid_parameter", (error as Error).message);
  }
}

function numberOf(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= min && value <= max) return value;
  throw wrong(name, text, `a number from ${min} to ${max}`);
}

function wrong(name: string, found: string, expected: string): CodedError {
  return new CodedError("invalid_parameter", `--${name} is ${found}, expected ${expected}`);
}
