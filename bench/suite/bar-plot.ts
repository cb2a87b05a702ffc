/** Bars with whiskers: who did how much, the median of the rounds, and from the lowest to the highest of them. */
import type { Spread } from "./statistics.ts";
import { document, line, rectangle, text } from "./svg.ts";
import { numberText } from "./text.ts";

export interface BarGroup {
  readonly title: string;
  readonly digits: number;
  readonly bars: readonly { readonly label: string; readonly spread: Spread }[];
}

const width = 760;
const labelWidth = 190;
const valueWidth = 90;
const barHeight = 18;
const barStep = 24;
const groupHead = 30;
const groupGap = 14;

/** Each group has a scale of its own, from 0. The first bar of a group is told from the others by its colour. */
export function barPlot(title: string, groups: readonly BarGroup[]): string {
  const parts = [text(12, 22, title, { kind: "title" })];
  let y = 34;
  for (const group of groups) {
    parts.push(text(12, y + 18, group.title, { kind: "faint" }));
    y += groupHead;
    const most = Math.max(...group.bars.map(({ spread }) => spread.max));
    const scale = (width - labelWidth - valueWidth) / (most > 0 ? most : 1);
    for (const [i, { label, spread }] of group.bars.entries()) {
      const middle = y + barHeight / 2;
      const end = labelWidth + spread.max * scale;
      parts.push(
        text(labelWidth - 8, middle + 4, label, { anchor: "end" }),
        rectangle(labelWidth, y, spread.median * scale, barHeight, i === 0 ? 0 : 5),
        line(labelWidth + spread.min * scale, middle, end, middle, "whisker"),
        text(end + 8, middle + 4, numberText(spread.median, group.digits)),
      );
      y += barStep;
    }
    y += groupGap;
  }
  return document(width, y, title, parts);
}
