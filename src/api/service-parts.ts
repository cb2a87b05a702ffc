import type { Settings } from "../config.ts";
import type { AdmissionGate } from "../ingest/backpressure.ts";
import type { IngestService } from "../ingest/ingest-service.ts";
import type { QueryService } from "../query/query-service.ts";

/** What the routes are built on. */
export interface ServiceParts {
  readonly ingest: IngestService;
  readonly query: QueryService;
  readonly admission: AdmissionGate;
  readonly settings: Settings;
  readonly readiness: () => Readiness;
}

export type Readiness =
  | { readonly ready: true }
  | { readonly ready: false; readonly reason: string };
