/**
 * What the fold of one partition carries from record to record, and what the partitions of a process share.
 * Everything in it can be rebuilt from the store's progress and recorded outcomes; nothing here is durable.
 */

import { adDictionary } from "../model/commit.ts";
import type { DictionaryGrowth, DroppedDay } from "../model/commit.ts";
import type { DictionaryView } from "../model/dictionary-view.ts";
import { minuteDimensions } from "../model/dimensions.ts";
import { DroppedDays } from "../model/dropped-days.ts";
import type { LayoutChange } from "../model/minute-layout.ts";
import { partitionOfRange } from "../model/partition.ts";
import type { SemanticConfig } from "../model/semantic-config.ts";
import { configAt } from "../model/semantic-config.ts";
import { minuteOf } from "../model/time.ts";
import { DedupIndex, recentMinuteOf } from "./deduplicate.ts";
import { Dictionary } from "./dictionary.ts";
import { IdentityHasher } from "./identity.ts";
import { RecordedMinutes } from "./recorded-minutes.ts";
import { Watermark } from "./watermark.ts";

/** Generation of the configuration that stands in until the log has brought the first. */
export const placeholderGeneration = 0;

export class PartitionState {
  readonly partition: number;
  readonly shared: SharedState;
  readonly watermark: Watermark;
  readonly dedup: DedupIndex;
  /** The numbers of the minutes before are sealed. */
  closedThroughMinute: number;
  /** What recomputes have made of minutes, in the order of the log. */
  readonly layoutChanges: LayoutChange[];
  /** Of this partition. */
  readonly dropped: DroppedDays;
  readonly recorded = new RecordedMinutes();

  constructor(
    partition: number,
    shared: SharedState,
    watermarkMs: number,
    closedThroughMinute = -Infinity,
    layoutChanges: readonly LayoutChange[] = [],
    dropped: readonly DroppedDay[] = [],
  ) {
    this.partition = partition;
    this.dropped = new DroppedDays(dropped);
    this.closedThroughMinute = closedThroughMinute;
    this.layoutChanges = [...layoutChanges];
    this.shared = shared;
    this.watermark = new Watermark(watermarkMs, shared.configs);
    const minute = minuteOf(watermarkMs);
    const { dedupHorizonMs } = configAt(shared.configs, minute);
    this.dedup = new DedupIndex(
      minuteOf(watermarkMs - dedupHorizonMs),
      recentMinuteOf(shared.configs, watermarkMs),
    );
  }

  /** Whether an import of this minute finds no click, and changes no number that was told: not even that there are none. */
  isFresh(minute: number): boolean {
    return minute >= this.closedThroughMinute && !this.recorded.mayHave(minute);
  }

  /** Lets the dedup index follow the watermark, before a record of this receipt; see DedupIndex.tidy. */
  tidyDedup(receivedAtMs: number, newestMinute: number, idsMax?: number): void {
    const { configs } = this.shared;
    const { ms } = this.watermark;
    const receivedMinute = minuteOf(receivedAtMs);
    const edges = {
      watermarkMinute: minuteOf(ms),
      recentMinute: recentMinuteOf(configs, ms),
      horizonMinute: minuteOf(ms - configAt(configs, receivedMinute).dedupHorizonMs),
    };
    this.dedup.tidy(edges, newestMinute, idsMax);
  }
}

/** Surrogate keys and configurations: the same for all partitions of a process. */
export class SharedState {
  readonly hasher: IdentityHasher;
  private readonly dictionaries = new Map<string, Dictionary>();
  /** Entries of each dictionary that a commit has carried already. */
  private readonly announced = new Map<string, number>();
  private knownConfigs: readonly SemanticConfig[];
  /** Generation of the newest configuration that a commit has carried. */
  private carriedGeneration: number;

  /** `configs`: oldest first, at least one. `dictionaries`: the values of each in the order of their keys. */
  constructor(
    secret: Uint8Array,
    configs: readonly SemanticConfig[],
    dictionaries: ReadonlyMap<string, readonly string[]>,
  ) {
    this.hasher = new IdentityHasher(secret);
    this.knownConfigs = configs;
    this.carriedGeneration = configs.at(-1)!.generation;
    for (const [name, values] of dictionaries) {
      this.dictionaries.set(name, new Dictionary(name, values));
      this.announced.set(name, values.length);
    }
    this.introduceAds();
  }

  /** Oldest first. */
  get configs(): readonly SemanticConfig[] {
    return this.knownConfigs;
  }

  /** The configuration for what was received at this time. */
  configAtReceipt(receivedAtMs: number): SemanticConfig {
    return configAt(this.knownConfigs, minuteOf(receivedAtMs));
  }

  /** False where this generation (or a newer one) is known already: every partition's log brings it. */
  addConfig(config: SemanticConfig): boolean {
    const newest = this.knownConfigs.at(-1)!.generation;
    if (config.generation <= newest) return false;
    this.knownConfigs =
      newest === placeholderGeneration ? [config] : [...this.knownConfigs, config];
    return true;
  }

  dictionary(name: string): Dictionary {
    let dictionary = this.dictionaries.get(name);
    if (!dictionary) {
      dictionary = new Dictionary(name);
      this.dictionaries.set(name, dictionary);
    }
    return dictionary;
  }

  /** For those who only read. */
  get view(): DictionaryView {
    const known = this.dictionaries;
    return {
      text: (dictionary, key) => known.get(dictionary)?.textOf(key),
      key: (dictionary, text) => known.get(dictionary)?.keyOf(text),
      size: (dictionary) => known.get(dictionary)?.size ?? 0,
    };
  }

  /** Of an ad that the dictionary knows; see partition.ts. */
  homeOfAd(adKey: number, partitionCount: number): number {
    let partition = 0;
    if (partitionCount === 1) return partition;
    this.dictionary(adDictionary).withBytes(adKey, (source, start, end) => {
      partition = partitionOfRange(source, start, end, partitionCount);
    });
    return partition;
  }

  get dictionaryBytes(): number {
    let bytes = 0;
    for (const dictionary of this.dictionaries.values()) bytes += dictionary.bytes;
    return bytes;
  }

  /** Gives the hasher the ads that the dictionary has learnt since. */
  introduceAds(): void {
    const ads = this.dictionary(adDictionary);
    for (let key = this.hasher.knownAds + 1; key <= ads.size; key++) {
      ads.withBytes(key, (source, start, end) => this.hasher.introduceAd(key, source, start, end));
    }
  }

  /**
   * The configurations that no commit has carried yet. Not those of the committing partition alone: its progress
   * must not be stored past a configuration that it met in another's log and that is stored nowhere.
   */
  takeConfigs(): SemanticConfig[] {
    const taken = this.knownConfigs.filter(({ generation }) => generation > this.carriedGeneration);
    this.carriedGeneration = this.knownConfigs.at(-1)!.generation;
    return taken;
  }

  /** The entries that no commit has carried yet; from now on they count as carried. */
  takeGrowth(): DictionaryGrowth[] {
    const growth: DictionaryGrowth[] = [];
    for (const [name, dictionary] of this.dictionaries) {
      const announced = this.announced.get(name) ?? 0;
      if (dictionary.size === announced) continue;
      growth.push({
        dictionary: name,
        firstKey: announced + 1,
        values: dictionary.textsFrom(announced + 1),
      });
      this.announced.set(name, dictionary.size);
    }
    return growth;
  }
}

/** Names of the minute dimensions of every layout so far, each once: the key columns of minute rows. */
export function minuteDimensionNames(configs: readonly SemanticConfig[]): string[] {
  const names = new Set<string>();
  for (const config of configs) {
    for (const dimension of minuteDimensions(config.dimensions)) names.add(dimension.name);
  }
  return [...names];
}
