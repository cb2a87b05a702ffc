import type { Spread } from "./statistics.ts";

/** With thousands separated; `-` where there is no number. */
export function numberText(value: number, digits: number): string {
  if (!Number.isFinite(value)) return "-";
  return value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** The median, and of several rounds the lowest and the highest. */
export function spreadText(spread: Spread | undefined, digits: number): string {
  if (!spread) return "";
  const { median, min, max, rounds } = spread;
  const text = numberText(median, digits);
  return rounds === 1 ? text : `${text} (${numberText(min, digits)} to ${numberText(max, digits)})`;
}

export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), `|${head.map(() => "---|").join("")}`, ...rows.map(line)].join("\n");
}
