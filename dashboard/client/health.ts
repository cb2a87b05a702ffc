/** What the health strip needs beyond the live stream. */

import { useEffect, useState } from "preact/hooks";
import type { LedgerAnswer } from "../../src/query/query-service.ts";
import type { Histogram } from "../../src/health/histogram.ts";
import { histogramSince, quantileBound, readHistogram } from "../../src/health/histogram.ts";
import { ask, askJson } from "./api.ts";

export interface HealthNumbers {
  readonly ledger: LedgerAnswer["total"] | undefined;
  readonly freshnessSeconds: number | undefined;
}

const everyMs = 15_000;
const nothing: HealthNumbers = { ledger: undefined, freshnessSeconds: undefined };

/** What can't be asked for now is not known now. */
export function useHealthNumbers(): HealthNumbers {
  const [numbers, setNumbers] = useState(nothing);
  useEffect(() => {
    const asking = new AbortController();
    let before: Histogram | undefined;
    const look = async (): Promise<void> => {
      if (document.hidden) return;
      const [ledger, histogram] = await Promise.all([
        ledgerTotal(asking.signal).catch(() => undefined),
        freshness(asking.signal).catch(() => undefined),
      ]);
      if (asking.signal.aborted) return;
      const latest = histogram && histogramSince(histogram, before);
      before = histogram;
      setNumbers((known) => ({
        ledger,
        // Where nothing came meanwhile, what was last seen still holds.
        freshnessSeconds: latest && (quantileBound(latest, 0.99) ?? known.freshnessSeconds),
      }));
    };
    void look();
    const timer = setInterval(() => void look(), everyMs);
    return () => {
      clearInterval(timer);
      asking.abort();
    };
  }, []);
  return numbers;
}

async function ledgerTotal(signal: AbortSignal): Promise<LedgerAnswer["total"]> {
  return (await askJson<LedgerAnswer>("v1/ledger?window=60m", signal)).total;
}

async function freshness(signal: AbortSignal): Promise<Histogram | undefined> {
  const response = await ask("metrics", { signal });
  return readHistogram(await response.text(), "clicktally_freshness_seconds");
}
