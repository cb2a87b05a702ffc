import { Random } from "../../src/traffic/random.ts";
import { Zipf } from "../../src/traffic/zipf.ts";

/** A click as a caller writes it. */
export type SentClick = Readonly<Record<string, string | number>>;

export interface LiveClicksOptions {
  readonly count: number;
  /** Of the clicks, this share comes twice. */
  readonly duplicateShare: number;
  /** Clicks are sent up to this long after they happened, so that their order is shuffled. */
  readonly shuffledOverMs: number;
  /** Event time of the last click, epoch ms; the others spread evenly over `spanMs` before it. */
  readonly endMs: number;
  readonly spanMs: number;
}

/** Clicks of a realistic mix in the order in which they are sent: not quite that of their event times. */
export function liveClicks(seed: number, options: LiveClicksOptions): SentClick[] {
  const random = new Random(seed);
  const ads = new Zipf(500, 1.1);
  const sent: { at: number; click: SentClick }[] = [];
  for (let i = 0; i < options.count; i++) {
    const time = Math.round(options.endMs - options.spanMs * (1 - i / options.count));
    const click = newClick(random, `ad-${ads.rank(random)}`, time);
    sent.push({ at: time + random.between(0, options.shuffledOverMs), click });
    if (random.chance(options.duplicateShare)) {
      sent.push({ at: time + random.between(0, options.shuffledOverMs), click });
    }
  }
  return sent.toSorted((a, b) => a.at - b.at).map(({ click }) => click);
}

function newClick(random: Random, adId: string, time: number): SentClick {
  const click: Record<string, string | number> = {
    ad_id: adId,
    click_timestamp: random.chance(0.5) ? time : new Date(time).toISOString(),
    event_id: random.chance(0.8) ? random.uuid() : `e-${random.word()}-${random.word()}`,
    user_id: `u${random.below(2_000)}`,
    ip: random.chance(0.9)
      ? `10.${random.below(4)}.${random.below(16)}.${random.below(256)}`
      : `2001:db8::${random.below(64).toString(16)}`,
  };
  if (random.chance(0.95)) click["country"] = random.pick(["US", "DE", "CN", "BR", "IN"]);
  if (random.chance(0.9)) click["device"] = random.pick(["mobile", "desktop", "tablet"]);
  return click;
}
