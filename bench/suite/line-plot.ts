/** Panels side by side that share what goes along the bottom, each with a scale of its own. */
import type { Spread } from "./statistics.ts";
import { document, dot, line, polyline, text } from "./svg.ts";

export interface Panel {
  readonly title: string;
  readonly series: readonly {
    readonly label: string;
    readonly points: readonly { readonly at: number; readonly spread: Spread }[];
  }[];
}

const panelWidth = 250;
const panelHeight = 190;
const margin = { left: 50, right: 16, top: 64, bottom: 44 };
const ticks = 4;

/** `scale`: of the bottom; a logarithmic one for places that lie as powers do. */
export function linePlot(
  title: string,
  bottom: string,
  scale: "linear" | "logarithmic",
  panels: readonly Panel[],
): string {
  const parts = [text(12, 22, title, { kind: "title" })];
  for (const [i, panel] of panels.entries())
    parts.push(...panelParts(panel, i * panelWidth, bottom, scale));
  return document(Math.max(1, panels.length) * panelWidth, panelHeight + 60, title, parts);
}

function panelParts(
  { title, series }: Panel,
  left: number,
  bottom: string,
  scale: "linear" | "logarithmic",
): string[] {
  const points = series.flatMap((one) => one.points);
  const places = [...new Set(points.map(({ at }) => at))].toSorted((a, b) => a - b);
  const highest = niceCeiling(Math.max(0, ...points.map(({ spread }) => spread.max)));
  const along = scale === "logarithmic" ? Math.log : (value: number) => value;
  // A line that begins at 0 shows what is there without any of it; a logarithm has no 0.
  const first = scale === "logarithmic" ? along(places[0] ?? 1) : 0;
  const last = along(places.at(-1) ?? 1);
  const x0 = left + margin.left;
  const x1 = left + panelWidth - margin.right;
  const y0 = panelHeight + 60 - margin.bottom;
  const xOf = (at: number): number => x0 + ((along(at) - first) / (last - first || 1)) * (x1 - x0);
  const yOf = (value: number): number => y0 - (value / highest) * (y0 - margin.top);
  const parts = [text(left + 12, 46, title, { kind: "faint" })];
  for (let tick = 0; tick <= ticks; tick++) {
    const value = (highest * tick) / ticks;
    parts.push(
      line(x0, yOf(value), x1, yOf(value), tick === 0 ? "axis" : "grid"),
      text(x0 - 6, yOf(value) + 4, shortNumber(value), { anchor: "end", kind: "faint" }),
    );
  }
  let labelled = -Infinity;
  for (const at of places) {
    // Labels that would run into one another are left out.
    if (xOf(at) - labelled < 34) continue;
    labelled = xOf(at);
    parts.push(text(xOf(at), y0 + 16, shortNumber(at), { anchor: "middle", kind: "faint" }));
  }
  parts.push(text((x0 + x1) / 2, y0 + 34, bottom, { anchor: "middle", kind: "faint" }));
  for (const [i, { label, points: own }] of series.entries()) {
    parts.push(
      polyline(
        own.map(({ at, spread }) => [xOf(at), yOf(spread.median)] as const),
        i,
      ),
    );
    for (const { at, spread } of own) {
      if (spread.rounds > 1)
        parts.push(line(xOf(at), yOf(spread.min), xOf(at), yOf(spread.max), "whisker"));
      parts.push(dot(xOf(at), yOf(spread.median), i));
    }
    if (series.length > 1)
      parts.push(
        dot(x0 + 8, margin.top + 8 + i * 16, i),
        text(x0 + 16, margin.top + 12 + i * 16, label),
      );
  }
  return parts;
}

/** The next of 1, 2, 4, 6, 8 and 10 times a power of ten: quarters of it are short numbers. */
export function niceCeiling(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].map((step) => step * power).find((step) => step >= value * 0.999_999)!;
}

/** 1500000 as 1.5M */
export function shortNumber(value: number): string {
  for (const [size, suffix] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const)
    if (value >= size) return `${Number((value / size).toPrecision(3))}${suffix}`;
  return String(Number(value.toPrecision(3)));
}
