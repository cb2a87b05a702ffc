/** What is known of log files that are followed: where they lie, what their lines look like, and which of them are clicks. */

export const lineFormats = ["ndjson", "csv", "combined"] as const;

export interface LogSource {
  /** In the ledger. */
  readonly name: string;
  /** Paths of the logs that are written to, with wildcards; what they were rotated into is found beside them. */
  readonly files: readonly string[];
  /** One of `lineFormats`, or the text of nginx's log_format, with its `$names`. */
  readonly format: string;
  /** `/c/{ad_id}`: lines are requests, and those for this path are clicks. Empty: every line is a click. */
  readonly request: string;
  /** By field of a click: the name of what it is read from; of a request's query `query.NAME`. */
  readonly map: Readonly<Record<string, string>>;
}

/** Also the name of a file. */
export function isLogSourceName(name: string): boolean {
  return /^\w[\w.-]{0,99}$/.test(name) && name !== "http";
}

export function isLineFormat(format: string): boolean {
  return lineFormats.some((known) => known === format) || isLogFormat(format);
}

/** Text between two names tells where the first one ends. */
function isLogFormat(format: string): boolean {
  return /\$\w/.test(format) && !/\$\w+\$/.test(format) && format.length <= 4_096;
}

/** Names in braces, each a segment of the path or a part of one; `ad_id` may come from elsewhere. */
export function isRequestTemplate(template: string): boolean {
  return /^\/(?:[^{}?#\s]|\{[a-z]\w{0,62}\}(?!\{))*$/.test(template) && template.length <= 1_024;
}

/** How far following a source has come, for whoever looks after it. */
export interface WatcherStatus {
  readonly source: string;
  /** Files that are there and known, and those of them with lines to read. */
  readonly files: number;
  readonly lag_files: number;
  /** Not read yet; of compressed files as they lie on the disk. */
  readonly lag_bytes: number;
  /** Since the start of the process, as the three below. */
  readonly lines: number;
  readonly clicks: number;
  /** That are no clicks, as declared. */
  readonly skipped_lines: number;
  /** In the ledger as invalid. */
  readonly bad_lines: number;
  /** Not read of files that were cut or removed, and of which no copy is found. */
  readonly lost_bytes: number;
  /** What keeps it from going on; null where nothing does. */
  readonly waits_for: string | null;
}
