/** bench/baseline.json: the ratios that the next runs are compared with. Quick runs have a baseline of their own. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CodedError } from "../../src/model/errors.ts";
import type { Ratios } from "./check.ts";
import { benchDirectory, describeRun } from "./results.ts";
import type { Mode, Results } from "./results.ts";

const path = join(benchDirectory, "baseline.json");

type Baselines = Partial<Record<Mode, { readonly about: string; readonly ratios: Ratios }>>;

/** CodedError `invalid_parameter` where there is none. */
export function readBaseline(mode: Mode): Ratios {
  const baseline = readAll()[mode];
  if (baseline) return baseline.ratios;
  throw new CodedError(
    "invalid_parameter",
    `bench/baseline.json has no baseline of a ${mode} run: write one with --write-baseline`,
  );
}

/** Ratios that this run did not measure stay. */
export function writeBaseline(results: Results, ratios: Ratios): void {
  const all = readAll();
  const kept = { ...all[results.mode]?.ratios, ...ratios };
  const own = { about: describeRun(results), ratios: kept };
  writeFileSync(path, `${JSON.stringify({ ...all, [results.mode]: own }, rounded, 2)}\n`);
}

function readAll(): Baselines {
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Baselines) : {};
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(4)) : value;
}
