/**
 * The declared dimensions and where each is kept.
 *
 * - minute: dictionary-coded, part of the key of a minute row; filters on it are answered from the minute store.
 * - raw: kept with the raw click only; filters on it are answered from the raw store.
 */

export type DimensionType = "string" | "ip" | "country";

export interface Dimension {
  readonly name: string;
  readonly in: "minute" | "raw";
  /** `country` checks for two upper-case letters (ISO 3166-1 alpha-2), `ip` for an IPv4 or IPv6 address. */
  readonly type: DimensionType;
  /**
   * How values are kept where not as they came: as keyed hashes, or of addresses their networks. Of either kind the columns are
   * of texts.
   */
  readonly store?: "hashed" | "truncated";
}

/** In the order of the configuration. */
export type DimensionLayout = readonly Dimension[];

/** Field names that are no dimensions. */
export const reservedFieldNames: ReadonlySet<string> = new Set([
  "ad_id",
  "click_timestamp",
  "event_id",
]);

/** A dimension's name is also a column's name in the stores. */
export const dimensionNamePattern = /^[a-z][a-z0-9_]{0,62}$/;

export function minuteDimensions(layout: DimensionLayout): Dimension[] {
  return layout.filter((dimension) => dimension.in === "minute");
}

export const defaultDimensions: DimensionLayout = [
  { name: "country", in: "minute", type: "country" },
  { name: "device", in: "minute", type: "string" },
  { name: "user_id", in: "raw", type: "string" },
  { name: "ip", in: "raw", type: "ip" },
];

/** Whether values of any are kept in another form than that in which they came. */
export function isProtecting(layout: DimensionLayout): boolean {
  return layout.some(({ store }) => store !== undefined);
}
