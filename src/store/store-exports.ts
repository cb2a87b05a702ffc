/** Files of what a store holds, for others to read. */

export interface StoreExports {
  /**
   * Writes what a part of a UTC day holds to a new file, synced, under its name only when it is whole. Of one snapshot, in
   * an order that depends on the data alone. Nothing is written where there are no rows. Rejects with `already_exists`,
   * `disk_full`, also where the store's own disk has no room to prepare the file; with the file system's error where `path`
   * can't be written.
   */
  exportDay(query: ExportQuery, signal: AbortSignal): Promise<ExportedDay>;
}

export const exportFormats = ["parquet", "csv"] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** Clicks one by one, of every outcome, or minute counts by ad and minute dimensions. */
export const exportKinds = ["clicks", "minutes"] as const;
export type ExportKind = (typeof exportKinds)[number];

export interface ExportQuery {
  readonly what: ExportKind;
  readonly format: ExportFormat;
  /** Epoch minutes of one UTC day, `[fromMinute, toMinute)`. */
  readonly fromMinute: number;
  readonly toMinute: number;
  /** A column each, in this order; empty where a row has none. */
  readonly dimensions: readonly string[];
  /** Absolute; its directory must exist. */
  readonly path: string;
}

export interface ExportedDay {
  /** The last commit that the snapshot had. */
  readonly asOf: number;
  readonly rows: number;
  readonly bytes: number;
}
