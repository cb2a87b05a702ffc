import type { HealthItem } from "../../health/health-items.ts";
import { healthItems } from "../../health/health-items.ts";
import type { Histogram } from "../../health/histogram.ts";
import { histogramSince, quantileBound, readHistogram } from "../../health/histogram.ts";
import type { LedgerAnswer, StatusAnswer } from "../../query/query-service.ts";
import type { ApiClient } from "../client.ts";

export interface ServiceHealth {
  readonly status: StatusAnswer;
  readonly items: readonly HealthItem[];
}

/** Looks at a service again and again; how fresh its numbers are is told of what came since it looked before. */
export class HealthWatch {
  private readonly client: ApiClient;
  private before: Histogram | undefined;
  private freshnessSeconds: number | undefined;

  constructor(client: ApiClient) {
    this.client = client;
  }

  /** Rejects where the status can't be told; what else can't be is not known. */
  async look(nowMs: number): Promise<ServiceHealth> {
    const { client } = this;
    const [status, ledger, histogram] = await Promise.all([
      client.get<StatusAnswer>("/v1/status"),
      client.get<LedgerAnswer>("/v1/ledger", { window: "60m" }).catch(() => undefined),
      client.getText("/metrics").then(readFreshness, () => undefined),
    ]);
    const latest = histogram && histogramSince(histogram, this.before);
    this.before = histogram;
    // Where nothing came meanwhile, what was last seen still holds.
    this.freshnessSeconds = latest && (quantileBound(latest, 0.99) ?? this.freshnessSeconds);
    const { freshnessSeconds } = this;
    const items = healthItems({ status, ledger: ledger?.total, freshnessSeconds, nowMs });
    return { status, items };
  }
}

function readFreshness(text: string): Histogram | undefined {
  return readHistogram(text, "clicktally_freshness_seconds");
}
