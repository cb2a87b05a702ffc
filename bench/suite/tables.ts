/** What was measured, as tables of markdown. */
import { aimResults } from "./aims.ts";
import type { Verdict } from "./check.ts";
import { figureOf, figuresOf } from "./figures.ts";
import type { Axis, FigureId, TableName } from "./figures.ts";
import type { Samples } from "./samples.ts";
import { lacks } from "../peers/lacks.ts";
import { markdownTable, numberText, spreadText } from "./text.ts";

/** A row a figure, a column a server. Undefined where nothing was measured. */
export function figureTable(samples: Samples, table: TableName, title: string): string | undefined {
  const figures = figuresOf(table);
  const servers = samples.servers(figures);
  if (servers.length === 0) return undefined;
  const measured = figures.filter((id) => servers.some((server) => samples.spread(id, server)));
  return markdownTable(
    [title, ...servers],
    measured.map((id) =>
      [figureOf(id).title].concat(
        servers.map((server) => spreadText(samples.spread(id, server), figureOf(id).digits)),
      ),
    ),
  );
}

/** A row a figure, a column a place on the axis. Undefined where nothing was measured. */
export function axisTable(
  samples: Samples,
  axis: Axis,
  figures: readonly FigureId[],
  title: string,
  server: string,
): string | undefined {
  const places = [
    ...new Set(figures.flatMap((id) => samples.along(axis, id, server).map(({ at }) => at))),
  ].toSorted((a, b) => a - b);
  if (places.length === 0) return undefined;
  return markdownTable(
    [title, ...places.map((at) => numberText(at, 0))],
    figures.map((id) => {
      const along = samples.along(axis, id, server);
      return [
        figureOf(id).title,
        ...places.map((at) =>
          spreadText(along.find((place) => place.at === at)?.spread, figureOf(id).digits),
        ),
      ];
    }),
  );
}

export function aimTable(samples: Samples): string {
  return markdownTable(
    ["what", "aim", "then", "measured", "verdict"],
    aimResults(samples).map(({ what, aim, next, measured, verdict }) => [
      what,
      aim,
      next,
      measured,
      verdict,
    ]),
  );
}

/** Of those that were measured. */
export function peerTable(samples: Samples): string | undefined {
  const measured = samples.servers(["ingest.ack", "steady.rate", "query.top_p50", "import.ndjson"]);
  const rows = Object.entries(lacks).filter(([name]) => measured.includes(name));
  return rows.length > 0 ? markdownTable(["peer", "what it does not do"], rows) : undefined;
}

export function checkTable(verdicts: readonly Verdict[]): string {
  const percent = (share: number): string =>
    Number.isFinite(share) ? `${numberText(share * 100, 0)} %` : "-";
  return markdownTable(
    ["ratio, more is better", "baseline", "now", "fall", "falls seen from", "verdict"],
    verdicts.map(({ name, baseline, now, fall, seenFrom, verdict }) => [
      name,
      spreadText(baseline, 3),
      spreadText(now, 3),
      now ? percent(fall) : "-",
      percent(seenFrom),
      verdict,
    ]),
  );
}
