/** How places have changed between two rankings. */

export type RankChange =
  | { readonly kind: "same" }
  | { readonly kind: "up" | "down"; readonly places: number }
  | { readonly kind: "new" };

export interface RankedAd {
  readonly rank: number;
  readonly ad_id: string;
}

/** By ad; empty where there was no ranking before, for then nothing has changed. */
export function rankChanges(
  now: readonly RankedAd[],
  before: readonly RankedAd[],
): ReadonlyMap<string, RankChange> {
  if (before.length === 0) return new Map();
  const ranks = new Map(before.map(({ ad_id, rank }) => [ad_id, rank]));
  return new Map(now.map(({ ad_id, rank }) => [ad_id, changeOf(rank, ranks.get(ad_id))]));
}

function changeOf(rank: number, before: number | undefined): RankChange {
  if (before === undefined) return { kind: "new" };
  if (before === rank) return { kind: "same" };
  return { kind: before > rank ? "up" : "down", places: Math.abs(before - rank) };
}

export function describeChange(change: RankChange): string {
  switch (change.kind) {
    case "same":
      return "same place as before";
    case "new":
      return "new here";
    default:
      return `${change.kind} ${change.places} ${change.places === 1 ? "place" : "places"}`;
  }
}
