/** What a process leaves to those of another role: each call is refused with `other_role`, which says whom to ask. */

import type { BackupService, ExportService } from "../backup/backup-service.ts";
import type { IngestService } from "../ingest/ingest-service.ts";
import { CodedError } from "../model/errors.ts";
import type { QueryService } from "../query/query-service.ts";
import { queryServiceBy } from "../query/query-service.ts";

type Role = "ingest" | "aggregate" | "query";

function refusing(role: Role): () => Promise<never> {
  return async () => {
    throw new CodedError(
      "other_role",
      `this process does not do that: ask one with the role ${role}`,
      { details: { role } },
    );
  };
}

export const clicksElsewhere: Pick<IngestService, "accept"> = { accept: refusing("ingest") };

export const controlsElsewhere: Pick<IngestService, "appendControl" | "appendBatch"> = {
  appendControl: refusing("aggregate"),
  appendBatch: refusing("aggregate"),
};

export const filesElsewhere: BackupService & ExportService = {
  backup: refusing("aggregate"),
  exportDay: refusing("aggregate"),
};

/** What became of clicks is known elsewhere too: who waits for it is told at once that it is not known here. */
export const queriesElsewhere: QueryService = {
  ...queryServiceBy(refusing("query")),
  committed: async () => false,
};
