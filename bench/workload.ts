/**
 * The clicks of the benchmarks: 100,000 ads by Zipf 1.1, 30 countries x 4 devices, UUID event ids, a million users,
 * IPv4 addresses, 5 % sent twice; about 200 bytes a click as NDJSON. The same seed gives the same clicks.
 */
import { Random } from "../src/traffic/random.ts";
import { Zipf } from "../src/traffic/zipf.ts";

const usualAds = 100_000;
const userCount = 1_000_000;
const usualDuplicateShare = 0.05;
/** Values of each dimension beyond country and device. */
const furtherValues = 4;
/** A duplicate repeats one of the last so many clicks. */
const recentCount = 4_096;
/** Clicks come at most this long after they happened. */
const delayMsMax = 5_000;

export const countries =
  "US DE FR GB ES IT NL PL SE NO DK FI PT IE AT CH BE CZ HU RO GR TR BR MX AR IN JP KR CN AU".split(
    " ",
  );
export const devices = ["mobile", "desktop", "tablet", "tv"];

export interface WorkloadClick {
  readonly event_id: string;
  readonly ad_id: string;
  readonly timeMs: number;
  readonly country: string;
  readonly device: string;
  readonly user_id: string;
  readonly ip: string;
  /** Values of `furtherDimensions`, as JSON members; mostly none. */
  readonly further: string;
}

/** Where something else than the usual workload is asked. */
export interface WorkloadOptions {
  readonly duplicateShare?: number;
  readonly ads?: number;
  /** Dimensions `d1`, `d2`, … with four values each. */
  readonly furtherDimensions?: number;
}

export class Workload {
  private readonly random: Random;
  private readonly ads: Zipf;
  private readonly adNames: readonly string[];
  private readonly recent: WorkloadClick[] = [];
  private readonly duplicateShare: number;
  private readonly furtherDimensions: number;
  private count = 0;
  /** Clicks so far that repeat an earlier one. */
  duplicates = 0;

  constructor(seed: number, options: WorkloadOptions = {}) {
    const { duplicateShare = usualDuplicateShare, ads = usualAds, furtherDimensions = 0 } = options;
    this.random = new Random(seed);
    this.duplicateShare = duplicateShare;
    this.furtherDimensions = furtherDimensions;
    this.ads = new Zipf(ads, 1.1);
    this.adNames = Array.from(
      { length: ads },
      (_, rank) => `ad-${100_000 + ((rank * 7919) % ads)}`,
    );
  }

  /** A click that is sent at this time. */
  next(sentMs: number): WorkloadClick {
    const { random, recent } = this;
    if (recent.length === recentCount && random.chance(this.duplicateShare)) {
      this.duplicates++;
      return random.pick(recent);
    }
    const address = random.word();
    const click = {
      event_id: random.uuid(),
      ad_id: this.adNames[this.ads.rank(random)]!,
      timeMs: sentMs - random.below(delayMsMax),
      country: random.pick(countries),
      device: random.pick(devices),
      user_id: `user-${random.below(userCount)}`,
      ip: `${(address >>> 24) % 223 || 1}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`,
      further: this.further(),
    };
    recent[this.count++ % recentCount] = click;
    return click;
  }

  clicks(rows: number, sentMs: number): WorkloadClick[] {
    return Array.from({ length: rows }, () => this.next(sentMs));
  }

  /** A body of so many clicks as NDJSON. */
  body(rows: number, sentMs: number): Buffer {
    let text = "";
    for (let row = 0; row < rows; row++) text += lineOf(this.next(sentMs));
    return Buffer.from(text, "latin1");
  }

  private further(): string {
    let members = "";
    for (let i = 1; i <= this.furtherDimensions; i++)
      members += `,"d${i}":"v${this.random.below(furtherValues)}"`;
    return members;
  }
}

export function lineOf(click: WorkloadClick): string {
  const { event_id, ad_id, timeMs, country, device, user_id, ip, further } = click;
  return (
    `{"event_id":"${event_id}","ad_id":"${ad_id}","click_timestamp":"${timeText(timeMs)}",` +
    `"country":"${country}","device":"${device}","user_id":"${user_id}","ip":"${ip}"${further}}\n`
  );
}

let lastSecond = -1;
let lastSecondText = "";

/** RFC 3339, of UTC. */
export function timeText(timeMs: number): string {
  const second = Math.floor(timeMs / 1000);
  if (second !== lastSecond) {
    lastSecond = second;
    lastSecondText = new Date(second * 1000).toISOString().slice(0, 20);
  }
  return `${lastSecondText}${String(timeMs - second * 1000).padStart(3, "0")}Z`;
}
