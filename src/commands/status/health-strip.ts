/** The dashboard's health strip in a terminal, or in a line where there is none. */

import { styleText } from "node:util";
import type { HealthItem, Tone } from "../../health/health-items.ts";

const toneWords = { good: "", watch: " (to be watched)", bad: " (BAD)", unknown: "" } as const;
const toneColors = { good: "green", watch: "yellow", bad: "red", unknown: "gray" } as const;
const gap = "  ";

/** Names above values; with colours instead of words where they are seen. */
export function formatStrip(items: readonly HealthItem[], hasColors: boolean): string {
  const cells = items.map((item) => ({
    ...item,
    value: hasColors ? item.value : item.value + toneWords[item.tone],
  }));
  const width = ({ name, value }: HealthItem): number => Math.max(name.length, value.length);
  const names = cells.map((cell) => cell.name.padEnd(width(cell)));
  const values = cells.map((cell) => {
    const text = cell.value.padEnd(width(cell));
    return hasColors ? coloured(cell.tone, text) : text;
  });
  return `${names.join(gap).trimEnd()}\n${values.join(gap).trimEnd()}`;
}

/** `2026-01-31T12:00:00Z freshness ≤ 250 ms, lag none, …` */
export function stripLine(items: readonly HealthItem[], nowMs: number): string {
  const time = new Date(nowMs).toISOString().replace(/\.\d+Z$/, "Z");
  const parts = items.map(
    ({ name, value, tone }) => `${name.toLowerCase()} ${value}${toneWords[tone]}`,
  );
  return `${time} ${parts.join(", ")}`;
}

function coloured(tone: Tone, text: string): string {
  // Whether it is wanted has been decided by who asks.
  return styleText(toneColors[tone], text, { validateStream: false });
}
