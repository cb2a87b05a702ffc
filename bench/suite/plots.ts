/** The plots of a run, by file name. */
import { barPlot } from "./bar-plot.ts";
import type { BarGroup } from "./bar-plot.ts";
import { clicktally, figureOf } from "./figures.ts";
import type { Axis, FigureId } from "./figures.ts";
import { linePlot } from "./line-plot.ts";
import type { Panel } from "./line-plot.ts";
import type { Samples } from "./samples.ts";

const barPlots: Readonly<
  Record<string, { readonly title: string; readonly figures: readonly FigureId[] }>
> = {
  ingest: {
    title: "Clicks a second, the same clicks in turns",
    figures: ["ingest.queryable"],
  },
  steady: {
    title: "At 50,000 clicks/s: shorter is better",
    figures: ["steady.ack_p99", "steady.fresh_p99"],
  },
  query: {
    title: "Questions over 60 minutes, 2 million minute rows: shorter is better",
    figures: ["query.top_p50", "query.count_p50"],
  },
};

/** By panel. */
const grown: readonly (readonly FigureId[])[] = [
  ["cost.counts", "cost.start"],
  ["cost.resident"],
  ["cost.id_bytes"],
  ["cost.store_bytes"],
];

const linePlots: Readonly<
  Record<
    string,
    {
      readonly axis: Axis;
      readonly title: string;
      readonly scale: "linear" | "logarithmic";
      readonly panels: readonly (readonly FigureId[])[];
    }
  >
> = {
  "cost-by-clicks": {
    axis: "clicks",
    title: "What a history of clicks costs",
    scale: "linear",
    panels: grown,
  },
  "cost-by-ads": {
    axis: "ads",
    title: "What more ads cost, the clicks being as many",
    scale: "logarithmic",
    panels: grown,
  },
  "cost-by-dimensions": {
    axis: "dimensions",
    title: "What more minute dimensions cost, the clicks being as many",
    scale: "linear",
    panels: grown,
  },
  "cost-by-partitions": {
    axis: "partitions",
    title: "What more partitions cost, the clicks being as many",
    scale: "linear",
    panels: grown,
  },
  load: {
    axis: "rate",
    title: "clicktally under load",
    scale: "linear",
    panels: [["load.rate"], ["load.ack_p50", "load.ack_p99"], ["load.fresh_p50", "load.fresh_p99"]],
  },
};

const bottoms: Readonly<Record<Axis, string>> = {
  clicks: "clicks",
  ads: "ads",
  dimensions: "minute dimensions",
  partitions: "partitions",
  rate: "clicks/s sent",
};

/** SVG by name; those of which nothing was measured are left out. */
export function plotsOf(samples: Samples): ReadonlyMap<string, string> {
  const plots = new Map<string, string>();
  for (const [name, { title, figures }] of Object.entries(barPlots)) {
    const groups = figures.map((id) => groupOf(samples, id)).filter(({ bars }) => bars.length > 0);
    if (groups.length > 0) plots.set(name, barPlot(title, groups));
  }
  for (const [name, { axis, title, scale, panels }] of Object.entries(linePlots)) {
    const drawn = panels.map((ids) => panelOf(samples, axis, ids));
    if (drawn.every(({ series }) => series.every(({ points }) => points.length > 0)))
      plots.set(name, linePlot(title, bottoms[axis], scale, drawn));
  }
  return plots;
}

function groupOf(samples: Samples, id: FigureId): BarGroup {
  const { title, digits } = figureOf(id);
  const others = samples.servers([id]).filter((server) => server !== clicktally);
  return {
    title,
    digits,
    bars: [clicktally, ...others].flatMap((label) => {
      const spread = samples.spread(id, label);
      return spread && Number.isFinite(spread.max) ? [{ label, spread }] : [];
    }),
  };
}

/** Figures that differ in their share only (p50, p99) are drawn together. */
function panelOf(samples: Samples, axis: Axis, ids: readonly FigureId[]): Panel {
  const titles = ids.map((id) => figureOf(id).title);
  const shares = titles.map((title) => /\bp\d+\b/.exec(title)?.[0] ?? title);
  return {
    title: ids.length === 1 ? titles[0]! : titles[0]!.replace(shares[0]!, shares.join(", ")),
    series: ids.map((id, i) => ({
      label: shares[i]!,
      points: samples.along(axis, id, clicktally),
    })),
  };
}
