/**
 * Random logs of one partition, the same for the same seed, dense in what is hard: few ads and ids, so that nearly
 * everything collides; resent, re-stamped, late, expired and future clicks; silence; imports into full and empty
 * minutes. Times jump, so that a hundred records cross minutes, hours and the dedup horizon.
 */
import { ClickBatchBuilder } from "../../src/model/click-batch-builder.ts";
import type { Click } from "../../src/model/click.ts";
import type { DimensionLayout } from "../../src/model/dimensions.ts";
import type { Comparison, Filter } from "../../src/model/filter.ts";
import type { LogRecord } from "../../src/model/log-record.ts";
import type { SemanticConfig } from "../../src/model/semantic-config.ts";
import { hourMs, minuteMs } from "../../src/model/time.ts";
import { Random } from "../../src/traffic/random.ts";

type SentClick = Click & { readonly event_id: string };

export const testDimensions: DimensionLayout = [
  { name: "country", in: "minute", type: "country" },
  { name: "device", in: "minute", type: "string" },
  { name: "user_id", in: "raw", type: "string" },
  { name: "ip", in: "raw", type: "ip" },
];

/** The defaults, but with a horizon and a recent tier so short that a random log crosses them. */
export const testConfig: SemanticConfig = {
  generation: 1,
  fromMinute: 0,
  dimensions: testDimensions,
  adAttributes: ["campaign_id", "advertiser_id"],
  outOfOrdernessMs: 15_000,
  allowedLatenessMs: minuteMs,
  idleLagMs: 15_000,
  dedupHorizonMs: 6 * hourMs,
  dedupRecentMs: 2 * hourMs,
  late: "restate",
};

/** A horizon of minutes, all of which is recent. */
export const briefConfig: SemanticConfig = {
  ...testConfig,
  dedupHorizonMs: 5 * minuteMs,
  dedupRecentMs: 5 * minuteMs,
};

export interface RandomLogOptions {
  readonly recordCount?: number;
  readonly rowsMax?: number;
  readonly adCount?: number;
  /** How many different event ids there are; few of them make many duplicates. */
  readonly eventIdCount?: number;
  readonly history?: boolean;
  /** Changes of lateness policy, allowed lateness, horizon and recent tier on the way. */
  readonly configChanges?: boolean;
  readonly adAttributes?: boolean;
  readonly config?: SemanticConfig;
  readonly startMs?: number;
}

const sources = ["http", "tracker", "import:a.csv"] as const;
const countries = ["US", "DE", "CN"] as const;
const devices = ["mobile", "desktop", "tablet", 'ünknown, "odd"'] as const;
const addresses = ["10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8::2"] as const;

export function randomLog(seed: number, options: RandomLogOptions = {}): LogRecord[] {
  return new LogGenerator(new Random(seed), options).records();
}

/** Cuts a log into runs of records, as micro-batches do. */
export function randomCut<T>(records: readonly T[], seed: number, longest = 8): T[][] {
  const random = new Random(seed);
  const runs: T[][] = [];
  for (let at = 0; at < records.length;) {
    const end = at + random.between(1, longest);
    runs.push(records.slice(at, end));
    at = end;
  }
  return runs;
}

class LogGenerator {
  private readonly random: Random;
  private readonly options: RandomLogOptions;
  private config: SemanticConfig;
  private nowMs: number;
  private readonly sent: SentClick[] = [];
  private readonly eventIds: readonly string[];

  constructor(random: Random, options: RandomLogOptions) {
    this.random = random;
    this.options = options;
    this.config = options.config ?? testConfig;
    this.nowMs = options.startMs ?? Date.UTC(2026, 0, 15, 21, 58);
    this.eventIds = Array.from({ length: options.eventIdCount ?? 60 }, (_, i) =>
      i % 2 === 0 ? random.uuid() : `click-${i}`,
    );
  }

  records(): LogRecord[] {
    return Array.from({ length: this.options.recordCount ?? 60 }, () => {
      this.nowMs += this.pause();
      return this.record();
    });
  }

  private pause(): number {
    const { random } = this;
    if (random.chance(0.04)) return random.between(1, 3 * hourMs);
    if (random.chance(0.15)) return random.between(1, 3 * minuteMs);
    return random.between(0, 5_000);
  }

  private record(): LogRecord {
    const { random, options, nowMs: receivedAtMs } = this;
    if (random.chance(0.12)) return { kind: "tick", receivedAtMs };
    if (random.chance(0.06)) {
      const counts = { missing_field: random.between(1, 5), invalid_type: random.between(0, 2) };
      return { kind: "rejects", receivedAtMs, source: random.pick(sources), counts };
    }
    if (options.adAttributes === true && random.chance(0.1)) return this.attributeChange();
    if (options.configChanges === true && random.chance(0.04)) return this.configChange();
    const history = options.history !== false && random.chance(0.12);
    const batch = new ClickBatchBuilder(this.config.dimensions);
    const rowCount = random.between(1, options.rowsMax ?? 12);
    for (let row = 0; row < rowCount; row++) batch.add(this.click(history));
    const source = history ? "import:a.csv" : random.pick(sources);
    return { kind: "clicks", receivedAtMs, source, history, batch: batch.build() };
  }

  private click(history: boolean): SentClick {
    const { random, sent } = this;
    let click = this.newClick(this.clickTime(history));
    if (sent.length > 0 && random.chance(0.25)) {
      const recent = sent.slice(-40);
      click = random.pick(random.chance(0.7) ? recent : sent);
      if (random.chance(0.3)) click = { ...click, click_timestamp: this.clickTime(history) };
    }
    sent.push(click);
    return click;
  }

  private newClick(time: number): SentClick {
    const { random } = this;
    const dimensions: Record<string, string> = {};
    const set = (name: string, values: readonly string[]): void => {
      if (
        this.config.dimensions.some((dimension) => dimension.name === name) &&
        random.chance(0.85)
      ) {
        dimensions[name] = random.pick(values);
      }
    };
    set("country", countries);
    set("device", devices);
    set("user_id", ["u1", "u2", "u3"]);
    set("ip", addresses);
    const ad_id = `ad-${random.below(this.options.adCount ?? 4)}`;
    return { ad_id, click_timestamp: time, event_id: random.pick(this.eventIds), dimensions };
  }

  /** Mostly a little behind, at times up to the minute's end ahead, late, or beyond the horizon. */
  private clickTime(history: boolean): number {
    const { random, nowMs } = this;
    const { dedupHorizonMs } = this.config;
    const roll = random.unit();
    if (history) return nowMs - random.between(0, roll < 0.5 ? 10 * minuteMs : 3 * dedupHorizonMs);
    if (roll < 0.6) return nowMs - random.between(0, 12_000);
    if (roll < 0.7) return nowMs + random.between(0, minuteMs);
    if (roll < 0.8) return nowMs - random.between(0, 3 * minuteMs);
    if (roll < 0.9)
      return (
        Math.floor(nowMs / minuteMs) * minuteMs -
        random.pick([0, 1]) * minuteMs -
        random.pick([0, 1])
      );
    if (roll < 0.97) return nowMs - random.between(0, dedupHorizonMs);
    return nowMs - random.between(0, 3 * dedupHorizonMs);
  }

  private attributeChange(): LogRecord {
    const { random, nowMs: receivedAtMs } = this;
    const change = {
      ad_id: `ad-${random.below(this.options.adCount ?? 4)}`,
      attributes: { [random.pick(this.config.adAttributes)]: random.pick(["c1", "c2", null]) },
      valid_from_minute: Math.floor(receivedAtMs / minuteMs) - random.between(-5, 60),
    };
    return { kind: "control", receivedAtMs, control: { type: "ad_attributes", changes: [change] } };
  }

  private configChange(): LogRecord {
    const { random, nowMs: receivedAtMs } = this;
    const allowedLatenessMs = random.pick([0, 30_000, minuteMs, 5 * minuteMs]);
    const late = random.pick(["restate", "quarantine"] as const);
    const dedupHorizonMs = random.pick([5, 240, 360]) * minuteMs;
    this.config = {
      ...this.config,
      generation: this.config.generation + 1,
      fromMinute: Math.ceil(receivedAtMs / minuteMs) + 2,
      allowedLatenessMs,
      late,
      dedupHorizonMs,
      dedupRecentMs: Math.min(dedupHorizonMs, random.pick([1, 90, 120, 240]) * minuteMs),
    };
    return { kind: "control", receivedAtMs, control: { type: "config", config: this.config } };
  }
}

/** Filters over the test dimensions, the ad and its attributes, up to two levels deep. */
export function randomFilter(random: Random, fields: readonly string[], depth = 2): Filter {
  if (depth > 0 && random.chance(0.5)) {
    const operands = Array.from({ length: random.between(2, 3) }, () =>
      randomFilter(random, fields, depth - 1),
    );
    return { kind: random.pick(["and", "or"] as const), operands };
  }
  const field = random.pick(fields);
  const operator = random.pick(["==", "!=", "=in=", "=out=", "=null="] as const);
  if (operator === "=null=")
    return { kind: "comparison", field, operator, values: [random.pick(["true", "false"])] };
  const count = operator === "==" || operator === "!=" ? 1 : random.between(1, 3);
  const values = Array.from({ length: count }, () => random.pick(valuesOf(field)));
  return { kind: "comparison", field, operator, values } satisfies Comparison;
}

function valuesOf(field: string): readonly string[] {
  if (field === "country") return [...countries, "FR"];
  if (field === "device") return devices;
  if (field === "user_id") return ["u1", "u2", "u9"];
  if (field === "ip") return [...addresses, "2001:DB8:0:0::1", "::ffff:10.0.0.1"];
  if (field === "ad_id") return ["ad-0", "ad-1", "ad-9"];
  return ["c1", "c2", "c9"];
}
