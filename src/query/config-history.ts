import type { KnownFields } from "../model/check-filter.ts";
import { minuteDimensions } from "../model/dimensions.ts";
import type { DimensionLayout, DimensionType } from "../model/dimensions.ts";
import { finalBeforeMinute } from "../model/finality.ts";
import { layoutPieces } from "../model/minute-layout.ts";
import type { LayoutPiece } from "../model/minute-layout.ts";
import { configAt } from "../model/semantic-config.ts";
import type { SemanticConfig } from "../model/semantic-config.ts";
import type { MinuteRange } from "../model/window.ts";

const noNames: readonly string[] = [];

/** Every configuration so far: which was in force at which minute, and what can be asked about. */
export class ConfigHistory {
  /** Oldest first. */
  private configs: readonly SemanticConfig[] = [];
  private readonly minuteNames = new Map<SemanticConfig, readonly string[]>();
  private known: KnownFields = new Map();

  constructor(configs: readonly SemanticConfig[]) {
    for (const config of configs) this.add(config);
  }

  /** A generation that is known already is passed over; generation 0 only stands in until there is another. */
  add(config: SemanticConfig): void {
    const newest = this.configs.at(-1)?.generation ?? 0;
    if (this.configs.length > 0 && config.generation <= newest) return;
    this.configs = newest === 0 ? [config] : [...this.configs, config];
    this.minuteNames.set(
      config,
      minuteDimensions(config.dimensions).map(({ name }) => name),
    );
    this.known = knownFields(this.configs);
  }

  /** `ad_id`, every dimension that was ever declared (of the type it has now) and the attributes of ads. */
  get knownFields(): KnownFields {
    return this.known;
  }

  /** `ad_id` and every dimension that was ever kept with the minute. */
  get minuteFields(): KnownFields {
    const names = new Set([...this.minuteNames.values()].flat());
    return new Map([...this.known].filter(([name]) => name === "ad_id" || names.has(name)));
  }

  /** The dimension layouts in force in the range. */
  layouts({ fromMinute, toMinute }: MinuteRange): DimensionLayout[] {
    if (this.configs.length === 0) return [];
    const first = this.configs.indexOf(configAt(this.configs, fromMinute));
    const last = this.configs.indexOf(configAt(this.configs, toMinute - 1));
    return this.configs.slice(first, last + 1).map(({ dimensions }) => dimensions);
  }

  /** The dimensions that minute rows of the range should have. */
  layoutPieces(range: MinuteRange): LayoutPiece[] {
    return layoutPieces(this.configs, range);
  }

  /** One array a configuration, so that equal layouts can be told by identity. */
  minuteDimensionNames(minute: number): readonly string[] {
    if (this.configs.length === 0) return noNames;
    return this.minuteNames.get(configAt(this.configs, minute)) ?? noNames;
  }

  /** Buckets before this epoch minute are final; -Infinity where none is. */
  finalBeforeMinute(watermarkMs: number): number {
    return finalBeforeMinute(this.configs, watermarkMs);
  }
}

function knownFields(configs: readonly SemanticConfig[]): KnownFields {
  const known = new Map<string, DimensionType>([["ad_id", "string"]]);
  for (const config of configs)
    for (const { name, type } of config.dimensions) known.set(name, type);
  for (const config of configs)
    for (const name of config.adAttributes) known.set(`ad.${name}`, "string");
  return known;
}
