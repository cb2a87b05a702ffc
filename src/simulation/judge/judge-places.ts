import type { ClickIdentity, LogRecord } from "../../model/log-record.ts";
import { rowsOf } from "../oracle/log-rows.ts";

/**
 * What a partition's log can't tell by itself, so that no oracle of one sees it: all that has the identity of a click came to one
 * partition, and what is to change clicks came to those that have them.
 */
export function judgePlaces(logs: readonly (readonly LogRecord[])[]): string | undefined {
  const ofClicks = new Places();
  const ofAds = new Places();
  for (const [partition, log] of logs.entries()) {
    for (const record of log) {
      if (record.kind !== "clicks") continue;
      for (const { adId, eventId } of rowsOf(record, 0)) {
        ofClicks.add(keyOf({ ad_id: adId, event_id: eventId }), partition);
        ofAds.add(adId, partition);
      }
    }
  }
  for (const [click, partitions] of ofClicks.all)
    if (partitions.size > 1) return `${click} lies in the partitions ${[...partitions].join(", ")}`;
  return judgeVoids(logs, ofClicks) ?? judgeReleases(logs, ofAds);
}

function judgeVoids(logs: readonly (readonly LogRecord[])[], ofClicks: Places): string | undefined {
  for (const [partition, log] of logs.entries()) {
    for (const record of log) {
      if (record.kind !== "control" || record.control.type !== "void") continue;
      for (const click of record.control.identities.map(keyOf)) {
        const own = ofClicks.of(click);
        if (own.size > 0 && !own.has(partition))
          return `${click} was voided in partition ${partition} and lies in ${[...own].join(", ")}`;
      }
    }
  }
  return undefined;
}

function judgeReleases(logs: readonly (readonly LogRecord[])[], ofAds: Places): string | undefined {
  const asked = new Places();
  const adIds = new Map<string, string>();
  for (const [partition, log] of logs.entries()) {
    for (const record of log) {
      if (record.kind !== "control" || record.control.type !== "release") continue;
      const { id, ad_id: adId } = record.control;
      asked.add(id, partition);
      if (adId !== null) adIds.set(id, adId);
    }
  }
  for (const [id, adId] of adIds) {
    const missed = [...ofAds.of(adId)].filter((partition) => !asked.of(id).has(partition));
    if (missed.length > 0)
      return `the release ${id} of ${adId} has not come to the partitions ${missed.join(", ")}`;
  }
  return undefined;
}

/** Partitions by what lies there. */
class Places {
  readonly all = new Map<string, Set<number>>();

  add(what: string, partition: number): void {
    const known = this.all.get(what);
    if (known) known.add(partition);
    else this.all.set(what, new Set([partition]));
  }

  of(what: string): ReadonlySet<number> {
    return this.all.get(what) ?? new Set();
  }
}

function keyOf({ ad_id: adId, event_id: eventId }: ClickIdentity): string {
  return JSON.stringify([adId, eventId]);
}
