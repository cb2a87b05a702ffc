/** The rules that are shipped for Prometheus, as they stand in their files. */

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";

export const opsDirectory = resolve(import.meta.dirname, "../../ops");
export const ruleFiles = ["recording.rules.yml", "alerts.rules.yml"].map((name) =>
  join(opsDirectory, "prometheus", name),
);

export interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export function shippedRules(): Rule[] {
  return ruleFiles.flatMap((path) => {
    const { groups } = parse(readFileSync(path, "utf8")) as {
      groups: readonly { readonly rules: readonly Rule[] }[];
    };
    return groups.flatMap(({ rules }) => rules);
  });
}

/** The same rules, with every length of time divided: what takes an hour takes a minute at 60. */
export function hurriedRules(path: string, times: number): string {
  return readFileSync(path, "utf8").replaceAll(
    /(?<=\[|for: )(\d+)([smhd])\b/g,
    (_, count: string, unit: "s" | "m" | "h" | "d") => {
      const ms = Number(count) * { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit];
      return `${Math.ceil(ms / times)}ms`;
    },
  );
}

/** Names of clicktally's metrics in an expression, without those that the rules record themselves. */
export function metricsIn(expression: string): string[] {
  const names = expression.match(/\bclicktally_\w+/g) ?? [];
  return [...new Set(names.map((name) => name.replace(/_(?:bucket|sum|count)$/, "")))];
}
