/** What is said of a run: tables with a name each, and which document has them. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { clicktally, figuresOf } from "./figures.ts";
import type { Axis, FigureId } from "./figures.ts";
import { replaceMarked } from "./marked-text.ts";
import { plotsOf } from "./plots.ts";
import { benchDirectory, describeRun } from "./results.ts";
import type { Results } from "./results.ts";
import { rowNames } from "./rows.ts";
import { Samples } from "./samples.ts";
import { aimTable, axisTable, figureTable, peerTable } from "./tables.ts";

const plotDirectory = "docs/benchmarks";

/** By name, in their order; a section of which nothing was measured is left out. */
export function sectionsOf(results: Results): ReadonlyMap<string, string> {
  const samples = new Samples(results.samples);
  const plots = plotsOf(samples);
  const byAxis = (axis: Axis, figures: readonly FigureId[], title: string) =>
    axisTable(samples, axis, figures, title, clicktally);
  const grown = figuresOf("cost").filter(
    (id) => id !== "cost.cell_bytes" && id !== "cost.queue_bytes",
  );
  const parts: Record<string, readonly (string | undefined)[]> = {
    aims: [aimTable(samples)],
    peers: [peerTable(samples)],
    machine: [figureTable(samples, "machine", "what")],
    ingest: [figureTable(samples, "ingest", "as fast as it goes")],
    steady: [figureTable(samples, "steady", "50,000 clicks/s")],
    query: [figureTable(samples, "query", "over 60 min")],
    import: [figureTable(samples, "import", "import")],
    cost: [
      figureTable(samples, "cost", "the longest history"),
      byAxis("clicks", grown, "by clicks"),
      byAxis("ads", grown, "by ads"),
      byAxis("dimensions", grown, "by minute dimensions"),
      byAxis("partitions", grown, "by partitions"),
    ],
    load: [
      byAxis("rate", figuresOf("load"), "clicks/s sent"),
      figureTable(samples, "beside", "100 queries/s beside 100,000 clicks/s"),
      figureTable(samples, "overload", "more than it can take"),
    ],
  };
  const sections = new Map<string, string>();
  for (const [name, tables] of Object.entries(parts)) {
    const measured = tables.filter((table) => table !== undefined);
    const drawn = [...plots.keys()].filter(
      (plot) => plot === name || plot.startsWith(`${name}-by-`),
    );
    const images = drawn.map((plot) => `![${plot}](../${plotDirectory}/${plot}.svg)`);
    const failure = results.failures[name];
    const gaps = failure === undefined ? [] : [`**Not all of it was measured: ${failure}.**`];
    if (measured.length > 0)
      sections.set(
        name,
        [`_${describeRun(results)}_`, ...gaps, ...images, ...measured].join("\n\n"),
      );
  }
  return sections;
}

/** Of several rows together: one that was not measured is a gap in them. */
const ofAllRows: ReadonlySet<string> = new Set(["aims", "peers"]);

/** What of a run goes into the documents: all that it measured, and what is of all rows where it measured all. */
export function sectionsToWrite(results: Results): ReadonlyMap<string, string> {
  const sections = sectionsOf(results);
  const isWhole = rowNames.every((name) => sections.has(name));
  return new Map([...sections].filter(([name]) => isWhole || !ofAllRows.has(name)));
}

/** Rewrites the marked parts that this run measured, and the plots. Returns the files. */
export function writeReport(results: Results): string[] {
  const root = join(benchDirectory, "..");
  const sections = sectionsToWrite(results);
  const plots = plotsOf(new Samples(results.samples));
  const own = join(benchDirectory, "README.md");
  let document = readFileSync(own, "utf8");
  for (const [name, content] of sections) document = replaceMarked(document, name, content);
  writeFileSync(own, document);
  mkdirSync(join(root, plotDirectory), { recursive: true });
  for (const [name, svg] of plots) writeFileSync(join(root, plotDirectory, `${name}.svg`), svg);
  const files = [own, ...[...plots.keys()].map((name) => join(root, plotDirectory, `${name}.svg`))];
  if (!plots.has("ingest")) return files;
  const readme = join(root, "README.md");
  const image = `![Clicks a second of clicktally and its peers](${plotDirectory}/ingest.svg)`;
  writeFileSync(readme, replaceMarked(readFileSync(readme, "utf8"), "plot", image));
  return [...files, readme];
}
