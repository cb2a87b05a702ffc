/** Clicks as an ad platform has them: a few ads get most, people come from some countries more than from others. */
import type { Random } from "./random.ts";
import { Zipf } from "./zipf.ts";

const adCount = 400;
const userCount = 50_000;
/** Clicks arrive after this long on average, at most delayMsMax. */
const delayMsMean = 900;
const delayMsMax = 10_000;

/** Name and share. */
const countryShares = [
  ["US", 34],
  ["GB", 11],
  ["DE", 10],
  ["FR", 8],
  ["BR", 7],
  ["IN", 7],
  ["JP", 5],
  ["ES", 4],
  ["IT", 4],
  ["CA", 4],
  ["NL", 3],
  ["PL", 3],
] as const;
const deviceShares = [
  ["mobile", 62],
  ["desktop", 29],
  ["tablet", 7],
  ["tv", 2],
] as const;

/** As it is sent: the members of a JSON object. */
export interface StreamClick {
  readonly ad_id: string;
  readonly event_id: string;
  readonly click_timestamp: string;
  readonly country: string;
  readonly device: string;
  readonly user_id: string;
  readonly ip: string;
}

export class ClickStream {
  private readonly random: Random;
  private readonly ads = new Zipf(adCount, 1.1);
  private readonly users = new Zipf(userCount, 0.6);

  constructor(random: Random) {
    this.random = random;
  }

  /** A click that arrives at this time and so happened a little before, in no order. */
  next(arrivalMs: number): StreamClick {
    const { random } = this;
    const user = this.users.rank(random);
    const delayMs = Math.min(delayMsMax, -Math.log(1 - random.unit()) * delayMsMean);
    return {
      ad_id: `ad-${1001 + this.ads.rank(random)}`,
      event_id: random.uuid(),
      click_timestamp: new Date(Math.floor(arrivalMs - delayMs)).toISOString(),
      country: pickByShare(random, countryShares),
      device: pickByShare(random, deviceShares),
      user_id: `user-${user}`,
      // A user keeps an address; 10.0.0.0/8 belongs to nobody.
      ip: `10.${(user >>> 16) & 255}.${(user >>> 8) & 255}.${user & 255}`,
    };
  }
}

function pickByShare(
  random: Random,
  shares: readonly (readonly [name: string, share: number])[],
): string {
  let at = random.below(shares.reduce((sum, [, share]) => sum + share, 0));
  for (const [name, share] of shares) {
    at -= share;
    if (at < 0) return name;
  }
  return shares[0]![0];
}
