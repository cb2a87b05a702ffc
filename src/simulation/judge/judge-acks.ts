import { isDeepStrictEqual } from "node:util";
import type { Ack } from "../client.ts";
import { clickOf } from "../client.ts";
import type { OracleClick } from "../oracle/oracle-fold.ts";

/**
 * What clients were told must hold: every click that was acknowledged lies in the log where the answer says, and what
 * `wait=counted` said of it is what became of it. `clicks`: by partition, what the oracle says of the log. `isShared`: by
 * several processes.
 */
export function judgeAcks(
  acks: readonly Ack[],
  clicks: readonly (readonly OracleClick[])[],
  isShared: boolean,
): string | undefined {
  const byPosition = new Map<string, OracleClick[]>();
  for (const [partition, all] of clicks.entries()) {
    for (const click of all) {
      const key = `${partition}:${click.offset}`;
      const rows = byPosition.get(key);
      if (rows) rows.push(click);
      else byPosition.set(key, [click]);
    }
  }
  for (const ack of acks) {
    const found = ack.answer.ranges.flatMap(({ partition, offset, fromRow, toRow }) =>
      (byPosition.get(`${partition}:${offset}`) ?? []).slice(fromRow, toRow),
    );
    const problem = judgeAck(ack, found, isShared);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function judgeAck(
  { batch, answer, outcomes }: Ack,
  found: readonly OracleClick[],
  isShared: boolean,
): string | undefined {
  const rejected = new Set(answer.errors.map(({ index }) => index));
  for (const [i, { isValid }] of batch.items.entries())
    if (!isValid && !rejected.has(i)) return `a broken item was accepted: ${show(batch.items[i])}`;
  const accepted = batch.items.filter((_, i) => !rejected.has(i));
  const sent = accepted.map(({ fields }) =>
    batch.format === "batch"
      ? lineOf(clickOf(fields))
      : lineOf({
          ad_id: String(fields["ad_id"]),
          click_timestamp: Number(fields["click_timestamp"]),
          event_id: fields["event_id"] as string | undefined,
        }),
  );
  const kept = found.map((click) =>
    lineOf({
      ad_id: click.adId,
      click_timestamp: click.time,
      event_id: click.eventId.startsWith("derived:") ? undefined : click.eventId,
    }),
  );
  if (!isDeepStrictEqual(kept.toSorted(), sent.toSorted()))
    return `acknowledged clicks are not in the log: sent ${show(sent)}, kept ${show(kept)}`;
  if (!outcomes) return undefined;
  const countOf = (name: OracleClick["decided"]): number =>
    found.filter(({ decided }) => decided === name).length;
  const expected = {
    counted: countOf("counted"),
    duplicates: countOf("duplicate"),
    restated: countOf("restated"),
    quarantined: countOf("quarantined"),
    expired: countOf("expired"),
  };
  if (isDeepStrictEqual(outcomes, expected)) return undefined;
  // Who follows the commits of others tells what a click is by then, which a later record may have changed already.
  const names = Object.keys(expected) as (keyof typeof expected)[];
  const off = names.reduce((sum, name) => sum + Math.abs(outcomes[name] - expected[name]), 0);
  const corrected = found.filter(({ isCorrected }) => isCorrected).length;
  if (isShared && off <= 2 * corrected) return undefined;
  return `wait=counted said ${show(outcomes)} instead of ${show(expected)}`;
}

function lineOf(click: {
  readonly ad_id: string;
  readonly click_timestamp: number;
  readonly event_id: string | undefined;
}): string {
  return `${click.click_timestamp} ${click.ad_id} ${click.event_id ?? "-"}`;
}

function show(value: unknown): string {
  return JSON.stringify(value);
}
