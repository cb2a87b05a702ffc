/** Where an import goes: a data directory that no service has open, or a running service. */

import { homedir } from "node:os";
import { join } from "node:path";
import type { Settings } from "../config.ts";
import type { AppendBatch } from "../ingest/import/batch-appender.ts";
import { CodedError } from "../model/errors.ts";
import type { Position } from "../model/log-record.ts";
import type { OutcomeName } from "../model/outcome.ts";
import { outcomeNames } from "../model/outcome.ts";
import type { LedgerAnswer, StatusAnswer } from "../query/query-service.ts";
import type { Service } from "../service.ts";
import { caughtUp } from "./caught-up.ts";
import type { ServiceAddress } from "./client.ts";
import { ApiClient } from "./client.ts";
import { messageOf } from "./exit.ts";

export type OutcomeTotals = Readonly<Record<OutcomeName, number>>;

export interface ImportTarget {
  /** Where the states of imports are kept. */
  readonly stateDirectory: string;
  readonly append: AppendBatch;
  /** Resolves when everything that is in the queue by now is counted. */
  caughtUp(): Promise<void>;
  /** What became of the clicks that this source sent in the minutes of receipt since `fromMs`. */
  outcomesSince(source: string, fromMs: number): Promise<OutcomeTotals>;
}

export function localTarget(service: Service, settings: Settings): ImportTarget {
  return {
    stateDirectory: join(settings.dataDir, "imports"),
    append: (bytes, source) => service.ingest.appendBatch(bytes, source),
    caughtUp: () => caughtUp(() => service.query.status()),
    outcomesSince: async (source, fromMs) =>
      totalsOf(await service.query.ledger(receiptRange(fromMs)), source),
  };
}

export function remoteTarget(service: ServiceAddress): ImportTarget {
  const client = new ApiClient(service);
  const stateHome = process.env["XDG_STATE_HOME"] ?? join(homedir(), ".local", "state");
  return {
    stateDirectory: join(stateHome, "clicktally", "imports", encodeURIComponent(service.url)),
    append: async (bytes, source) => {
      const body = { contentType: "application/vnd.clicktally.click-batch", bytes };
      try {
        return (await client.post<{ positions: Position[] }>("/v1/admin/import", { source }, body))
          .positions;
      } catch (error) {
        if (error instanceof CodedError) throw error;
        // Nobody answers, or a proxy does: that passes, and a batch may be sent again.
        throw new CodedError("overloaded", messageOf(error), { cause: error });
      }
    },
    caughtUp: () => caughtUp(() => client.get<StatusAnswer>("/v1/status")),
    outcomesSince: async (source, fromMs) => {
      return totalsOf(await client.get<LedgerAnswer>("/v1/ledger", receiptRange(fromMs)), source);
    },
  };
}

function receiptRange(fromMs: number): { from: string; to: string } {
  return { from: new Date(fromMs).toISOString(), to: new Date(Date.now() + 60_000).toISOString() };
}

function totalsOf({ rows }: LedgerAnswer, source: string): OutcomeTotals {
  const totals = Object.fromEntries(outcomeNames.map((name) => [name, 0])) as Record<
    OutcomeName,
    number
  >;
  for (const row of rows) {
    if (row.source !== source) continue;
    for (const name of outcomeNames) totals[name] += row[name];
  }
  return totals;
}
