/** A series of counts as bars: provisional ones hatched, restated ones in a colour of their own and marked. */

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { FinalityStatus } from "../../src/query/query-service.ts";
import { formatCompact, formatCount, formatMinute } from "../model/format.ts";
import type { Bucket } from "../model/series.ts";

interface ChartProps {
  readonly buckets: readonly Bucket[];
  readonly zone: string;
  /** What it shows, in a sentence: what is in it also stands in a table. */
  readonly label: string;
  readonly onPick?: ((bucket: Bucket) => void) | undefined;
}

const height = 220;
/** Of the room of its bucket, a bar takes so much. */
const barShare = 0.82;
const kinds: readonly FinalityStatus[] = ["final", "provisional", "restated", "closed"];

export function Chart({ buckets, zone, label, onPick }: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  // What the plot's own handlers need to see is the newest.
  const latest = useRef({ buckets, onPick });
  latest.current = { buckets, onPick };
  useEffect(() => {
    const element = host.current!;
    const make = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(
        optionsFor(element, zone, latest),
        dataOf(latest.current.buckets),
        element,
      );
    };
    make();
    const resized = new ResizeObserver(() => {
      if (plot.current?.width !== element.clientWidth)
        plot.current?.setSize({ width: element.clientWidth, height });
    });
    resized.observe(element);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", make);
    return () => {
      scheme.removeEventListener("change", make);
      resized.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [zone]);
  useEffect(() => plot.current?.setData(dataOf(buckets)), [buckets]);
  return (
    <figure class="chart">
      <div class="chart-plot" ref={host} role="img" aria-label={label} />
      <Legend buckets={buckets} />
    </figure>
  );
}

function Legend({ buckets }: { readonly buckets: readonly Bucket[] }) {
  const present = kinds.filter((kind) => buckets.some(({ status }) => status === kind));
  return (
    <figcaption class="legend">
      {present.map((kind) => (
        <span key={kind} class="legend-item">
          <span class={`swatch swatch-${kind}`} aria-hidden="true" />
          {kind}
        </span>
      ))}
    </figcaption>
  );
}

/** A series for each kind of bucket; a bucket is in one of them. */
function dataOf(buckets: readonly Bucket[]): uPlot.AlignedData {
  return [
    buckets.map(({ startSeconds }) => startSeconds),
    ...kinds.map((kind) => buckets.map(({ count, status }) => (status === kind ? count : null))),
  ] as uPlot.AlignedData;
}

interface Latest {
  readonly current: Pick<ChartProps, "buckets" | "onPick">;
}

function optionsFor(element: HTMLElement, zone: string, latest: Latest): uPlot.Options {
  const style = getComputedStyle(element);
  const color = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const bars = uPlot.paths.bars!({ size: [barShare, 60], align: 1 });
  const font = `12px ${style.fontFamily}`;
  const axis = {
    stroke: color("muted"),
    font,
    grid: { stroke: color("line"), width: 1 },
    ticks: { show: false },
  };
  const fills: Readonly<Record<FinalityStatus, () => string | CanvasPattern>> = {
    final: () => color("bar"),
    provisional: () => hatch(color("bar"), color("surface")),
    restated: () => color("restated"),
    closed: () => color("closed"),
  };
  return {
    width: element.clientWidth,
    height,
    padding: [14, 18, 0, 0],
    legend: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
    cursor: { points: { show: false }, drag: { x: false, y: false }, y: false },
    scales: {
      x: { range: (_plot, least, most) => [least, most + stepOf(latest.current.buckets)] },
      y: { range: (_plot, _least, most) => [0, Math.max(4, (most ?? 0) * 1.08)] },
    },
    axes: [
      { ...axis, grid: { show: false }, values: timeLabels, space: 64, size: 38 },
      {
        ...axis,
        size: 52,
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6, 1e7],
        values: (_plot, values) => values.map(formatCompact),
      },
    ],
    series: [
      {},
      ...kinds.map((kind) => ({
        paths: bars,
        points: { show: false },
        fill: fills[kind] as () => string,
        stroke: kind === "provisional" ? color("bar") : "transparent",
        width: kind === "provisional" ? 1 : 0,
      })),
    ],
    plugins: [tip(zone, latest), marks(color("restated-mark"), latest)],
  };
}

const timeLabels: uPlot.Axis.DynamicValues | uPlot.Axis.Values = [
  // Where the day changes, or at the first label, it is said.
  [3600 * 24, "{YYYY}-{MM}-{DD}", null, null, null, null, null, null, 1],
  [3600, "{HH}:{mm}", "\n{YYYY}-{MM}-{DD}", null, "\n{YYYY}-{MM}-{DD}", null, null, null, 1],
  [60, "{HH}:{mm}", "\n{YYYY}-{MM}-{DD}", null, "\n{YYYY}-{MM}-{DD}", null, null, null, 1],
  [1, "{HH}:{mm}", "\n{YYYY}-{MM}-{DD}", null, "\n{YYYY}-{MM}-{DD}", null, null, null, 1],
] as unknown as uPlot.Axis.Values;

function stepOf(buckets: readonly Bucket[]): number {
  const [first, second] = buckets;
  return first && second ? second.startSeconds - first.startSeconds : 60;
}

function hatch(stroke: string, background: string): string | CanvasPattern {
  const size = 6 * devicePixelRatio;
  const tile = new OffscreenCanvas(size, size);
  const context = tile.getContext("2d")!;
  context.fillStyle = background;
  context.fillRect(0, 0, size, size);
  context.strokeStyle = stroke;
  context.globalAlpha = 0.75;
  context.lineWidth = 1.4 * devicePixelRatio;
  context.beginPath();
  for (const shift of [-size, 0, size]) {
    context.moveTo(shift, size);
    context.lineTo(shift + size, 0);
  }
  context.stroke();
  return context.createPattern(tile as unknown as CanvasImageSource, "repeat") ?? stroke;
}

/** A small diamond over every restated bar: colour alone does not tell it to everybody. */
function marks(color: string, latest: Latest): uPlot.Plugin {
  return {
    hooks: {
      draw: (plot) => {
        const { ctx } = plot;
        const size = 4 * devicePixelRatio;
        const half = (stepOf(latest.current.buckets) * barShare) / 2;
        ctx.save();
        ctx.fillStyle = color;
        for (const { startSeconds, count, status } of latest.current.buckets) {
          if (status !== "restated") continue;
          const x = plot.valToPos(startSeconds + half, "x", true);
          const y = plot.valToPos(count, "y", true) - size * 1.7;
          ctx.beginPath();
          ctx.moveTo(x, y - size);
          ctx.lineTo(x + size, y);
          ctx.lineTo(x, y + size);
          ctx.lineTo(x - size, y);
          ctx.fill();
        }
        ctx.restore();
      },
    },
  };
}

/** What the bar under the pointer says; a click on it is told. */
function tip(zone: string, latest: Latest): uPlot.Plugin {
  const box = document.createElement("div");
  box.className = "chart-tip";
  box.hidden = true;
  const bucketAt = (plot: uPlot): Bucket | undefined => {
    const { left } = plot.cursor;
    if (left === undefined || left < 0) return undefined;
    const seconds = plot.posToVal(left, "x");
    return latest.current.buckets.findLast(({ startSeconds }) => startSeconds <= seconds);
  };
  return {
    hooks: {
      init: (plot) => {
        plot.over.append(box);
        plot.over.addEventListener("click", () => {
          const bucket = bucketAt(plot);
          if (bucket) latest.current.onPick?.(bucket);
        });
        if (latest.current.onPick) plot.over.classList.add("can-pick");
      },
      setCursor: (plot) => {
        const bucket = bucketAt(plot);
        box.hidden = bucket === undefined;
        if (!bucket) return;
        const time = formatMinute(new Date(bucket.startSeconds * 1000).toISOString(), zone);
        box.textContent = `${time} · ${formatCount(bucket.count)} · ${bucket.status}`;
        const left = plot.cursor.left ?? 0;
        const isRight = left > plot.over.clientWidth / 2;
        box.style.left = isRight ? "" : `${left + 12}px`;
        box.style.right = isRight ? `${plot.over.clientWidth - left + 12}px` : "";
      },
    },
  };
}
