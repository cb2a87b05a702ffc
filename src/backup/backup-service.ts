/** Backups and exports in the words of the HTTP API. */

export interface BackupService {
  /** Rejects with `invalid_parameter`, `disk_full`, `already_running`, `not_ready`. */
  backup(request: BackupRequest): Promise<BackupAnswer>;
}

export interface BackupRequest {
  /** Of backups, absolute; made where it is missing. */
  readonly dir: string;
  /** So many of the newest backups are left in it, at least 1. Absent: none is deleted. */
  readonly keep?: number;
}

export interface BackupAnswer {
  /** Where the backup lies. */
  readonly path: string;
  /** RFC 3339. Every click that was acknowledged before is in the backup. */
  readonly created_at: string;
  /** The last commit of its store; what was acknowledged after it is in its queue. */
  readonly as_of: number;
  /** Of that commit, RFC 3339; null where no click had come. */
  readonly watermark: string | null;
  readonly bytes: number;
  /** Backups that were deleted, by name. */
  readonly deleted: readonly string[];
}

export interface ExportService {
  /**
   * Writes the first day of what is asked for to a file. Rejects with `invalid_parameter`, `already_exists`, `disk_full`,
   * `already_running`, `not_ready`.
   */
  exportDay(request: ExportDayRequest): Promise<ExportDayAnswer>;
}

export interface ExportDayRequest {
  /** Where the file goes, absolute; made where it is missing. */
  readonly dir: string;
  /** `parquet` or `csv`. */
  readonly format: string;
  /** `clicks`, the default, or `minutes`. */
  readonly what?: string;
  /** RFC 3339 or epoch milliseconds. Without them: from the first click that is kept, to the last. */
  readonly from?: string;
  readonly to?: string;
}

export interface ExportDayAnswer {
  /** Null where there were no rows, and so no file. */
  readonly path: string | null;
  /** What was looked at, of one UTC day; null where nothing is kept. */
  readonly from: string | null;
  readonly to: string | null;
  readonly rows: number;
  readonly bytes: number;
  /** The last commit that the file knows of; null where nothing is kept. */
  readonly as_of: number | null;
  /** `from` of the next day; null at the end. */
  readonly next_from: string | null;
}
