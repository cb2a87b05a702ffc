/** What the page shows, as it stands in the address: every view can be linked to, and the back button goes back. */

export const views = ["live", "ad", "reports", "corrections"] as const;
export type View = (typeof views)[number];

/** As the API takes it: the last minutes up to now, or from and to (RFC 3339). */
export type Range = { readonly window: string } | { readonly from: string; readonly to: string };

/** The number whose clicks are shown. */
export interface Explained {
  /** Empty: of all ads. */
  readonly adId: string;
  readonly from: string;
  readonly to: string;
  readonly filter: string;
}

export interface Address {
  readonly view: View;
  readonly range: Range;
  /** IANA. */
  readonly zone: string;
  /** RSQL; empty: everything. */
  readonly filter: string;
  readonly adId: string;
  readonly topN: number;
  /** Empty: the view decides. */
  readonly granularity: "" | "minute" | "hour" | "day";
  readonly by: readonly string[];
  readonly tab: "restatements" | "quarantine";
  readonly explained: Explained | undefined;
}

export const byFieldsMax = 3;
export const topNs = [10, 25, 50, 100] as const;
const defaultWindow = "60m";

export function defaultAddress(zone: string): Address {
  return {
    view: "live",
    range: { window: defaultWindow },
    zone,
    filter: "",
    adId: "",
    topN: 10,
    granularity: "",
    by: [],
    tab: "restatements",
    explained: undefined,
  };
}

/** From `?…`. What does not make sense is left at its default; whether a filter does, only the service can say. */
export function parseAddress(search: string, localZone: string): Address {
  const parameters = new URLSearchParams(search);
  const text = (name: string): string => parameters.get(name) ?? "";
  const fallback = defaultAddress(localZone);
  const topN = Number(text("top"));
  const by = text("by")
    .split(",")
    .filter((field, i, all) => field !== "" && all.indexOf(field) === i);
  return {
    view: oneOf(views, text("view"), fallback.view),
    range: rangeOf(text("window"), text("from"), text("to")) ?? fallback.range,
    zone: isZone(text("tz")) ? text("tz") : fallback.zone,
    filter: text("filter"),
    adId: text("ad_id"),
    topN: topNs.find((known) => known === topN) ?? fallback.topN,
    granularity: oneOf(["minute", "hour", "day"], text("granularity"), ""),
    by: by.slice(0, byFieldsMax),
    tab: oneOf(["restatements", "quarantine"], text("tab"), fallback.tab),
    explained: explainedOf(parameters),
  };
}

/** `?…`; defaults are left out, but for the zone: what one person links to another reads in the same one. */
export function formatAddress(address: Address): string {
  const { view, range, zone, filter, adId, topN, granularity, by, tab, explained } = address;
  const fallback = defaultAddress(zone);
  const parameters = new URLSearchParams();
  const set = (name: string, value: string, otherwise = ""): void => {
    if (value !== otherwise) parameters.set(name, value);
  };
  set("view", view, fallback.view);
  if (view === "ad" || view === "corrections") set("ad_id", adId);
  if ("window" in range) set("window", range.window, defaultWindow);
  else {
    set("from", range.from);
    set("to", range.to);
  }
  set("tz", zone);
  set("filter", filter);
  if (view === "live") set("top", String(topN), String(fallback.topN));
  if (view === "ad" || view === "reports") set("granularity", granularity);
  if (view === "reports") set("by", by.join(","));
  if (view === "corrections") set("tab", tab, fallback.tab);
  if (explained) {
    set("explain", explained.adId === "" ? "all" : "ad");
    set("explain_ad", explained.adId);
    set("explain_from", explained.from);
    set("explain_to", explained.to);
    set("explain_filter", explained.filter);
  }
  return `?${parameters.toString()}`;
}

/** Of a request to the API. */
export function rangeParameters(range: Range): Readonly<Record<string, string>> {
  return { ...range };
}

function rangeOf(window: string, from: string, to: string): Range | undefined {
  if (/^[1-9]\d{0,8}[mhdw]?$/.test(window)) return { window };
  if (isTime(from) && isTime(to) && Date.parse(from) < Date.parse(to)) return { from, to };
  return undefined;
}

function explainedOf(parameters: URLSearchParams): Explained | undefined {
  const text = (name: string): string => parameters.get(`explain_${name}`) ?? "";
  const kind = parameters.get("explain");
  if (kind === null || (kind === "ad") === (text("ad") === "")) return undefined;
  if (!isTime(text("from")) || !isTime(text("to"))) return undefined;
  return { adId: text("ad"), from: text("from"), to: text("to"), filter: text("filter") };
}

function oneOf<Known extends string, Other extends string>(
  known: readonly Known[],
  text: string,
  otherwise: Other,
): Known | Other {
  return known.find((value) => value === text) ?? otherwise;
}

function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(Date.parse(text));
}

function isZone(text: string): boolean {
  if (text === "") return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
