/** The click that a request by a link is, as JSON for ingest. */

import { dimensionValueBytesMax } from "../model/click.ts";
import type { Dimension, DimensionLayout } from "../model/dimensions.ts";
import { parseIpInto } from "../model/ip.ts";
import type { ReadLink } from "./read-link.ts";

/** What the request says beside the link. */
export interface RequestFacts {
  readonly ip: string;
  /** By dimension, as trusted headers give it; undefined where a header is missing. */
  readonly headerValues: Readonly<Record<string, string | undefined>>;
  /** Of its own for every request, unless the link has one. */
  readonly eventId: string;
  readonly nowMs: number;
}

/** What the link says comes before what the request does: it was signed. */
export function trackedClick(
  link: ReadLink,
  facts: RequestFacts,
  layout: DimensionLayout,
): Uint8Array<ArrayBuffer> {
  const seen: Record<string, string | undefined> = { ip: facts.ip, ...facts.headerValues };
  const found = layout.flatMap((dimension) => {
    const value = seen[dimension.name];
    const fit = value === undefined ? undefined : fitting(value, dimension);
    return fit === undefined ? [] : [[dimension.name, fit] as const];
  });
  const click = {
    ...Object.fromEntries(found),
    ...link.fields,
    ad_id: link.adId,
    event_id: link.eventId ?? facts.eventId,
    click_timestamp: facts.nowMs,
  };
  return new TextEncoder().encode(JSON.stringify(click));
}

/** What networks say that don't know: XX and T1 (Tor) of Cloudflare, ZZ of others. */
const unknownCountries: ReadonlySet<string> = new Set(["XX", "T1", "ZZ"]);
const words = new Uint32Array(4);

/** Left out where it does not fit: a header that makes no sense must not cost the click. */
function fitting(value: string, { type }: Dimension): string | undefined {
  const text = value.trim();
  switch (type) {
    case "country": {
      const country = text.toUpperCase();
      return /^[A-Z]{2}$/.test(country) && !unknownCountries.has(country) ? country : undefined;
    }
    case "ip": {
      // The zone of a link-local address is of this machine alone.
      const address = text.split("%", 1)[0]!;
      return parseIpInto(address, words, 0) ? address : undefined;
    }
    case "string":
      return Buffer.byteLength(text) <= dimensionValueBytesMax ? text : undefined;
  }
}
