import type { Filter } from "../../model/filter.ts";
import { partitionOf } from "../../model/partition.ts";
import type { MinuteRange } from "../../model/window.ts";
import type { OracleClick, OracleRestatement } from "../oracle/oracle-fold.ts";
import type { HomeOf, Oracle, OracleGroup, OracleQuery } from "../oracle/oracle.ts";
import { sumGroups } from "./sum-groups.ts";

/** Minutes, which may be endless, with an oracle for each partition that stands where they are asked about. */
export interface Span extends MinuteRange {
  readonly oracles: readonly Oracle[];
}

/**
 * The answers of all partitions put together: of what is known now, or, where periods are closed, of each minute what
 * was there when it was sealed.
 */
export class SpannedOracle {
  private readonly spans: readonly Span[];
  /** The minutes before are closed. */
  readonly closedThrough: number;

  /** In their order, together all minutes; the last is of those that are not closed. */
  constructor(spans: readonly Span[]) {
    this.spans = spans;
    this.closedThrough = spans.at(-1)!.fromMinute;
  }

  /** By partition. */
  get clicks(): readonly (readonly OracleClick[])[] {
    const partitions = this.spans[0]!.oracles.keys();
    return [...partitions].map((partition) =>
      this.spans.flatMap((span) => ofSpan(span, span.oracles[partition]!.clicks)),
    );
  }

  get journal(): OracleRestatement[] {
    return this.spans.flatMap((span) =>
      span.oracles.flatMap(({ journal }) => ofSpan(span, journal)),
    );
  }

  count(query: OracleQuery): number {
    return this.breakdown(query, [])[0]?.count ?? 0;
  }

  top(n: number, query: OracleQuery): OracleGroup[] {
    const ads = this.breakdown(query, ["ad_id"]);
    return ads.toSorted((a, b) => b.count - a.count).slice(0, n);
  }

  breakdown(
    query: OracleQuery,
    by: readonly string[],
    bucketStarts = [query.fromMinute],
  ): OracleGroup[] {
    return sumGroups(
      this.spans.flatMap((span) => {
        const fromMinute = Math.max(query.fromMinute, span.fromMinute);
        const part = { ...query, fromMinute, toMinute: Math.min(query.toMinute, span.toMinute) };
        const homeOf = homesIn(span);
        return span.oracles.flatMap((oracle) => oracle.breakdown(part, by, bucketStarts, homeOf));
      }),
    );
  }

  matches(partition: number, filter: Filter, click: OracleClick): boolean {
    const span = this.spans.find(({ toMinute }) => click.minute < toMinute)!;
    return span.oracles[partition]!.matches(filter, click, homesIn(span));
  }
}

function homesIn({ oracles }: Span): HomeOf {
  return (adId) => oracles[partitionOf(Buffer.from(adId), oracles.length)]!;
}

function ofSpan<T extends { readonly minute: number }>(
  { fromMinute, toMinute }: MinuteRange,
  all: readonly T[],
): T[] {
  return all.filter(({ minute }) => minute >= fromMinute && minute < toMinute);
}
