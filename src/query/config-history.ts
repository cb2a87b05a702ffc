import type { KnownFields } from "../model/check-filter.ts";
import { minuteDimensions } from "../model/dimensions.ts";
import type { DimensionLayout, DimensionType } from "../model/dimensions.ts";
import { finalBeforeMinute } from "../model/finality.ts";
import { commonLayoutPieces, relaid } from "../model/minute-layout.ts";
import type { LayoutChange, LayoutPiece } from "../model/minute-layout.ts";
import { configAt } from "../model/semantic-config.ts";
import type { SemanticConfig } from "../model/semantic-config.ts";
import type { MinuteRange } from "../model/window.ts";
import type { RecordedLayoutChange } from "../store/click-store.ts";
import type { ValueProtector } from "../model/protected-value.ts";
import type { SeenCommits, Visibility } from "../store/visibility.ts";
import { lastSeenOf, visiblePieces } from "../store/visibility.ts";
import { StoredForms } from "./stored-forms.ts";

const noNames: readonly string[] = [];
const all: SeenCommits = { asOf: Infinity, earlier: [] };

/** Every configuration so far: which was in force at which minute, and what can be asked about. */
export class ConfigHistory {
  /** Oldest first. */
  private configs: readonly SemanticConfig[] = [];
  private readonly minuteNames = new Map<SemanticConfig, readonly string[]>();
  private known: KnownFields = new Map();
  private changes: readonly RecordedLayoutChange[];
  private readonly partitionCount: number;
  /** Of those who protect values; only tests have none. */
  readonly protector: ValueProtector | undefined;
  /** What values may be kept as. */
  private forms: StoredForms;
  /** One array for each list of names that a recompute has given to minutes. */
  private readonly nameLists = new Map<string, readonly string[]>();

  constructor(
    configs: readonly SemanticConfig[],
    changes: readonly RecordedLayoutChange[] = [],
    partitionCount = 1,
    protector?: ValueProtector,
  ) {
    this.changes = changes;
    this.partitionCount = partitionCount;
    this.protector = protector;
    this.forms = new StoredForms(protector, []);
    for (const config of configs) this.add(config);
  }

  /** What a commit's recompute has made of minutes. */
  addChanges(changes: readonly LayoutChange[], asOf: number): void {
    if (changes.length === 0) return;
    this.changes = [...this.changes, ...changes.map((change) => Object.assign({ asOf }, change))];
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
    this.forms = new StoredForms(this.protector, this.configs);
  }

  /** `ad_id`, every dimension that was ever declared (of the type it has now) and the attributes of ads. */
  get knownFields(): KnownFields {
    return this.known;
  }

  get storedForms(): StoredForms {
    return this.forms;
  }

  /** Every dimension that was ever declared, of the type it has now. */
  get knownDimensions(): KnownFields {
    return new Map([...this.known].filter(([name]) => name !== "ad_id" && !name.startsWith("ad.")));
  }

  /** `ad_id` and every dimension that was ever kept with the minute. */
  get minuteFields(): KnownFields {
    const names = new Set(this.dimensionNames("minute"));
    return new Map([...this.known].filter(([name]) => name === "ad_id" || names.has(name)));
  }

  /** Dimensions that were ever declared, or ever in the minute store, in the order in which they were declared. */
  dimensionNames(which: "all" | "minute"): string[] {
    const declared = this.configs.flatMap(({ dimensions }) =>
      which === "all" ? dimensions : minuteDimensions(dimensions),
    );
    return [...new Set(declared.map(({ name }) => name))];
  }

  /**
   * The dimension layouts of what may be seen of the range. Where a recompute has changed any, only what the minute rows
   * have.
   */
  layouts(range: MinuteRange, visibility?: Visibility): DimensionLayout[] {
    const { fromMinute, toMinute } = range;
    if (this.configs.length === 0) return [];
    if (this.changes.length > 0)
      return visiblePieces(visibility, range)
        .flatMap((piece) => this.layoutPieces(piece, piece))
        .map(({ dimensions }) =>
          dimensions.map((name) => ({ name, in: "minute", type: "string" })),
        );
    const first = this.configs.indexOf(configAt(this.configs, fromMinute));
    const last = this.configs.indexOf(configAt(this.configs, toMinute - 1));
    return this.configs.slice(first, last + 1).map(({ dimensions }) => dimensions);
  }

  /** The dimensions that minute rows of the range have, of what may be seen. */
  layoutPieces({ fromMinute, toMinute }: MinuteRange, seen: SeenCommits = all): LayoutPiece[] {
    const range = { fromMinute, toMinute };
    const changes = this.changes.filter(
      ({ asOf, partition }) => asOf <= lastSeenOf(seen, partition),
    );
    return commonLayoutPieces(this.configs, changes, this.partitionCount, range);
  }

  /** The dimensions that a recompute would give them. */
  layoutToBe(range: MinuteRange): LayoutPiece[] {
    const current = this.configs.at(-1)?.dimensions ?? [];
    return this.configs.length === 0 ? [] : relaid(this.layoutPieces(range), current);
  }

  /** One array a configuration, so that equal layouts can be told by identity. */
  minuteDimensionNames(minute: number): readonly string[] {
    if (this.configs.length === 0) return noNames;
    const covers = (change: LayoutChange): boolean =>
      minute >= change.fromMinute && minute < change.toMinute;
    if (!this.changes.some(covers))
      return this.minuteNames.get(configAt(this.configs, minute)) ?? noNames;
    const [piece] = this.layoutPieces({ fromMinute: minute, toMinute: minute + 1 });
    const names = piece!.dimensions;
    const key = names.join(" ");
    if (!this.nameLists.has(key)) this.nameLists.set(key, names);
    return this.nameLists.get(key)!;
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
