import type { BackupService, ExportService } from "./backup/backup-service.ts";
import type { IngestService } from "./ingest/ingest-service.ts";
import type { Log } from "./logging/log.ts";
import type { QueryService } from "./query/query-service.ts";

/** A running service of one process. Disposing finishes what runs and closes everything. */
export interface Service extends AsyncDisposable {
  /** Where it listens, `http://127.0.0.1:8080`; absent where it does not. */
  readonly url?: string;
  readonly ingest: IngestService;
  readonly query: QueryService;
  readonly backups: BackupService;
  readonly exports: ExportService;
  /** Resolves once it is disposed; rejects where it had to stop by itself (a failed sync, a dead thread). */
  readonly stopped: Promise<void>;
}

export interface StartOptions {
  /** False: no HTTP, for work on a data directory that no service has open. */
  readonly listen: boolean;
  /** What an operator should know and no caller is told: recovered damage, commits that are tried again. Absent: to nobody. */
  readonly log?: Log;
  /** Told the key that was made where `auth.first_key` asks for one; nobody can tell it again. */
  readonly onFirstKey?: (key: string) => void;
}
