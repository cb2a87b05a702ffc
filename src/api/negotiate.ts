/** Content negotiation (RFC 9110, section 12.5.1) between two forms of an answer. */

/** True where the header prefers `text/csv` to JSON; ties go to the one that is named first, and to JSON. */
export function prefersCsv(accept: string | undefined): boolean {
  return prefers(accept, ["text", "csv"], ["application", "json"]);
}

/** Likewise for events and NDJSON. */
export function prefersEvents(accept: string | undefined): boolean {
  return prefers(accept, ["text", "event-stream"], ["application", "x-ndjson"]);
}

type MediaType = readonly [type: string, subtype: string];

function prefers(accept: string | undefined, asked: MediaType, otherwise: MediaType): boolean {
  if (accept === undefined) return false;
  const ranges = accept.split(",").map((range, place) => parseRange(range, place));
  const one = bestFor(...asked, ranges);
  const other = bestFor(...otherwise, ranges);
  if (one.quality !== other.quality) return one.quality > other.quality;
  return (
    one.quality > 0 && one.specificity === 2 && (other.specificity < 2 || one.place < other.place)
  );
}

interface MediaRange {
  readonly type: string;
  readonly subtype: string;
  readonly quality: number;
  readonly place: number;
}

function parseRange(range: string, place: number): MediaRange {
  const [mediaType, ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
  const [type = "", subtype = ""] = mediaType!.split("/");
  const weight = parameters.find((parameter) => parameter.startsWith("q="));
  const quality = weight === undefined ? 1 : Number(weight.slice(2));
  return { type, subtype, quality: quality >= 0 && quality <= 1 ? quality : 0, place };
}

/** The most specific range that matches decides. */
function bestFor(type: string, subtype: string, ranges: readonly MediaRange[]) {
  let best = { quality: 0, specificity: -1, place: Infinity };
  for (const range of ranges) {
    const specificity = specificityOf(range, type, subtype);
    if (specificity > best.specificity)
      best = { quality: range.quality, specificity, place: range.place };
  }
  return best;
}

function specificityOf(range: MediaRange, type: string, subtype: string): number {
  if (range.type === type && range.subtype === subtype) return 2;
  if (range.type === type && range.subtype === "*") return 1;
  return range.type === "*" && range.subtype === "*" ? 0 : -1;
}
