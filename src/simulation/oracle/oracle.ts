/** The naive oracle's second half: the answers, by going through all clicks for each of them. */
import type { Filter } from "../../model/filter.ts";
import type { LogRecord } from "../../model/log-record.ts";
import type { SemanticConfig } from "../../model/semantic-config.ts";
import { canonicalIp } from "./log-rows.ts";
import { ErasingOracle } from "./oracle-erasures.ts";
import type { OracleClick, OracleErasure } from "./oracle-fold.ts";
import { isCounted } from "./oracle-fold.ts";

export type OracleGroup = { bucketStart: number; group: (string | null)[]; count: number };
/** `[fromMinute, toMinute)` in epoch minutes. */
export type OracleQuery = { fromMinute: number; toMinute: number; filter?: Filter; adId?: string };

/** Of an ad, the partition that has what is about the ad. */
export type HomeOf = (adId: string) => Oracle;

export class Oracle extends ErasingOracle {
  constructor(
    config: SemanticConfig,
    records: readonly LogRecord[] = [],
    later: readonly OracleErasure[] = [],
  ) {
    super(config, later);
    for (const record of records) this.apply(record);
  }

  count(query: OracleQuery): number {
    return this.breakdown(query, [])[0]?.count ?? 0;
  }

  top(n: number, query: OracleQuery): OracleGroup[] {
    const ads = this.breakdown(query, ["ad_id"]);
    return ads.toSorted((a, b) => b.count - a.count).slice(0, n);
  }

  /** By bucket (`bucketStarts` ascending, the first = fromMinute) and group, in the order of both, null first. */
  breakdown(
    query: OracleQuery,
    by: readonly string[],
    bucketStarts = [query.fromMinute],
    homeOf: HomeOf = () => this,
  ): OracleGroup[] {
    const groups = new Map<string, OracleGroup>();
    for (const click of this.clicks) {
      if (!isCounted(click.outcome)) continue;
      if (click.minute < query.fromMinute || click.minute >= query.toMinute) continue;
      if (click.adId !== (query.adId ?? click.adId)) continue;
      if (query.filter && !this.matches(query.filter, click, homeOf)) continue;
      const bucketStart = bucketStarts.findLast((start) => start <= click.minute)!;
      const group = by.map((field) => this.fieldOf(click, field, homeOf) ?? null);
      const key = `${bucketStart + 1e9}${group.map((value) => (value === null ? "\0" : `\0+${value}`)).join("")}`;
      groups.set(key, { bucketStart, group, count: 1 + (groups.get(key)?.count ?? 0) });
    }
    const keys = [...groups.keys()].toSorted((a, b) =>
      Buffer.compare(Buffer.from(a), Buffer.from(b)),
    );
    return keys.map((key) => groups.get(key)!);
  }

  matches(filter: Filter, click: OracleClick, homeOf: HomeOf = () => this): boolean {
    if (filter.kind === "and")
      return filter.operands.every((operand) => this.matches(operand, click, homeOf));
    if (filter.kind === "or")
      return filter.operands.some((operand) => this.matches(operand, click, homeOf));
    const value = this.fieldOf(click, filter.field, homeOf);
    if (filter.operator === "=null=")
      return (value === undefined) === (filter.values[0] === "true");
    const type = this.configs[0]!.dimensions.find(
      (dimension) => dimension.name === filter.field,
    )?.type;
    const listed = filter.values.some(
      (asked) => (type === "ip" ? canonicalIp(asked) : asked) === value,
    );
    return filter.operator === "==" || filter.operator === "=in=" ? listed : !listed;
  }

  /** Of the changes that hold at the click's minute, the one with the last valid_from, then the last in the log. */
  private fieldOf(click: OracleClick, field: string, homeOf: HomeOf): string | undefined {
    const { adId, minute } = click;
    if (!field.startsWith("ad.")) return field === "ad_id" ? adId : this.dimensionOf(click, field);
    const name = field.slice("ad.".length);
    const changes = homeOf(adId).attributeChanges.filter(
      (c) => c.ad_id === adId && c.valid_from_minute <= minute,
    );
    const inOrder = changes.toSorted((a, b) => a.valid_from_minute - b.valid_from_minute);
    return inOrder.findLast((change) => name in change.attributes)?.attributes[name] ?? undefined;
  }
}
