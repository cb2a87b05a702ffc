/** What a run measured, as it is kept in bench/results. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { CodedError } from "../../src/model/errors.ts";
import type { Sample } from "./figures.ts";

export const benchDirectory = join(import.meta.dirname, "..");
const resultsDirectory = join(benchDirectory, "results");

export type Mode = "default" | "quick";

export interface Results {
  readonly formatVersion: 1;
  /** When it began, RFC 3339. */
  readonly at: string;
  readonly mode: Mode;
  readonly rounds: number;
  readonly machine: Machine;
  readonly samples: readonly Sample[];
  /** Of rows that could not finish, by name. */
  readonly failures: Readonly<Record<string, string>>;
}

interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
}

export function thisMachine(): Machine {
  const all = cpus();
  return { cpu: all[0]?.model ?? "unknown", cores: all.length, node: process.version };
}

/** Returns where. */
export function keepResults(results: Results): string {
  mkdirSync(resultsDirectory, { recursive: true });
  const path = join(resultsDirectory, `${results.at.replaceAll(":", "-")}.json`);
  writeFileSync(path, `${JSON.stringify(results)}\n`);
  return path;
}

/** A path, or a name in bench/results. CodedError `invalid_parameter` where it can't be read. */
export function readResults(name: string): Results {
  const path = name.includes("/") ? name : join(resultsDirectory, name);
  try {
    const results = JSON.parse(readFileSync(path, "utf8")) as Results;
    if (results.formatVersion === 1) return results;
  } catch (error) {
    throw new CodedError("invalid_parameter", `--from: ${(error as Error).message}`);
  }
  throw new CodedError("invalid_parameter", `--from: ${path} is of another version`);
}

/** Of which day, machine and how many rounds. */
export function describeRun({ at, mode, rounds, machine }: Results): string {
  const quick = mode === "quick" ? "**Quick, so that the figures mean nothing.** " : "";
  return `${quick}${at.slice(0, 10)}, ${machine.cores} cores (${machine.cpu}), Node ${machine.node.slice(1)}; medians of ${rounds} rounds, and the lowest to the highest.`;
}
