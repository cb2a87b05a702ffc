import type { AdminLog } from "../access/admin-log.ts";
import type { KeyRing } from "../access/key-ring.ts";
import type { BackupService, ExportService } from "../backup/backup-service.ts";
import type { Settings } from "../config.ts";
import type { AdmissionGate } from "../ingest/backpressure.ts";
import type { IngestService } from "../ingest/ingest-service.ts";
import type { Log } from "../logging/log.ts";
import type { ServiceMetrics } from "../metrics/service-metrics.ts";
import type { Health } from "../model/health.ts";
import type { WatcherStatus } from "../model/log-source.ts";
import type { DashboardFiles } from "./dashboard-files.ts";
import type { QueryService } from "../query/query-service.ts";

/** What the routes are built on. */
export interface ServiceParts {
  readonly ingest: IngestService;
  readonly query: QueryService;
  readonly backups: BackupService;
  readonly exports: ExportService;
  readonly admission: AdmissionGate;
  readonly settings: Settings;
  /** Who may ask what. */
  readonly keys: KeyRing;
  readonly adminLog: AdminLog;
  readonly log: Log;
  readonly readiness: () => Readiness;
  readonly health: () => Health;
  /** Of the log files that this process follows. */
  readonly watchers: () => Promise<readonly WatcherStatus[]>;
  readonly metrics: ServiceMetrics;
  /** Absent where none is built, or where the process answers no queries. */
  readonly dashboard?: DashboardFiles;
}

export type Readiness =
  | { readonly ready: true }
  | { readonly ready: false; readonly reason: string };
