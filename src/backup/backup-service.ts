/** What backups are, in the words of the HTTP API. */

export interface BackupService {
  /** Rejects with `invalid_parameter`, `disk_full`, `backup_running`, `not_ready`. */
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
