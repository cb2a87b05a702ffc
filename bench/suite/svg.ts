/** The little of SVG that the plots need. Colours follow the reader's light or dark theme. */

/** The first series is clicktally's. */
const seriesColours = 6;

const style = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .paper { fill: #ffffff; }
  .title { font-size: 14px; font-weight: 600; }
  .faint { fill: #59636e; }
  .line { fill: none; stroke-width: 2; }
  .axis { stroke: #818b98; }
  .grid { stroke: #d1d9e0; }
  .whisker { stroke: #1f2328; stroke-width: 1.5; }
  .s0 { fill: #0969da; stroke: #0969da; } .s1 { fill: #bc4c00; stroke: #bc4c00; }
  .s2 { fill: #1a7f37; stroke: #1a7f37; } .s3 { fill: #8250df; stroke: #8250df; }
  .s4 { fill: #bf3989; stroke: #bf3989; } .s5 { fill: #afb8c1; stroke: #afb8c1; }
  .line { fill: none !important; }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117; } text { fill: #f0f6fc; } .faint { fill: #9198a1; }
    .axis { stroke: #656c76; } .grid { stroke: #3d444d; } .whisker { stroke: #f0f6fc; }
    .s0 { fill: #4493f8; stroke: #4493f8; } .s1 { fill: #f0883e; stroke: #f0883e; }
    .s2 { fill: #3fb950; stroke: #3fb950; } .s3 { fill: #ab7df8; stroke: #ab7df8; }
    .s4 { fill: #f778ba; stroke: #f778ba; } .s5 { fill: #656c76; stroke: #656c76; }
  }`;

/** `about` is what a screen reader says. */
export function document(
  width: number,
  height: number,
  about: string,
  parts: readonly string[],
): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(about)}">`,
    `<style>${style}\n</style>`,
    // A page need not follow the theme that the reader's system asks for.
    `<rect width="${width}" height="${height}" class="paper"/>`,
    ...parts,
    "</svg>\n",
  ].join("\n");
}

type Anchor = "start" | "middle" | "end";

export function text(
  x: number,
  y: number,
  content: string,
  { anchor = "start", kind = "" }: { readonly anchor?: Anchor; readonly kind?: string } = {},
): string {
  const classes = kind === "" ? "" : ` class="${kind}"`;
  return `<text x="${at(x)}" y="${at(y)}" text-anchor="${anchor}"${classes}>${escaped(content)}</text>`;
}

export function line(x1: number, y1: number, x2: number, y2: number, kind: string): string {
  return `<line x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}" class="${kind}"/>`;
}

export function rectangle(
  x: number,
  y: number,
  width: number,
  height: number,
  series: number,
): string {
  return `<rect x="${at(x)}" y="${at(y)}" width="${at(width)}" height="${at(height)}" rx="2" class="s${series % seriesColours}"/>`;
}

export function dot(x: number, y: number, series: number): string {
  return `<circle cx="${at(x)}" cy="${at(y)}" r="3" class="s${series % seriesColours}"/>`;
}

export function polyline(points: readonly (readonly [number, number])[], series: number): string {
  const list = points.map(([x, y]) => `${at(x)},${at(y)}`).join(" ");
  return `<polyline points="${list}" class="s${series % seriesColours} line"/>`;
}

function at(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escaped(content: string): string {
  return content
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
