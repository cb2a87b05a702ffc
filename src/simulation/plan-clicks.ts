import { dayMs, minuteMs, minuteOf } from "../model/time.ts";
import type { Random } from "../traffic/random.ts";
import type { HistorySettings, SentBatch, SentItem } from "./history.ts";

export const plannedAds = ["ad-0", "ad-1", "ad-2", "ad-ü"] as const;
export const plannedValues = {
  country: ["US", "DE", "CN"],
  device: ["mobile", "desktop", 'odd "tablet", ü'],
  user_id: ["u1", "u2", "u3"],
  ip: ["10.0.0.1", "2001:db8::1", "::ffff:10.0.0.2"],
} as const;

type Fields = Record<string, string | number | null>;

/** Clicks of one history: new ones, resent ones, re-stamped ones, late, expired, future and broken ones. */
export class ClickPlanner {
  private readonly random: Random;
  private readonly settings: HistorySettings;
  private readonly eventIds: readonly string[];
  private readonly sent: Fields[] = [];

  constructor(random: Random, settings: HistorySettings) {
    this.random = random;
    this.settings = settings;
    this.eventIds = Array.from({ length: 120 }, (_, i) =>
      i % 2 === 0 ? random.uuid() : `click-${i}`,
    );
  }

  batch(atMs: number): SentBatch {
    const { random } = this;
    const history = random.chance(0.12);
    const format = random.pick(
      history ? (["ndjson", "batch"] as const) : (["json", "ndjson"] as const),
    );
    const items = Array.from({ length: random.between(1, 9) }, (): SentItem => {
      if (format !== "batch" && random.chance(0.03)) return this.broken(atMs);
      return { fields: this.click(atMs, history), isValid: true };
    });
    const source = history ? "import:a.csv" : random.pick(["http", "tracker"]);
    const triesMax = random.chance(0.05) ? 1 : Infinity;
    return { source, format, history, items, triesMax, waits: !history && random.chance(0.2) };
  }

  /** A click that was sent under an id of its own, if any was picked: most lately, at times long ago. */
  pickSent(): { readonly adId: string; readonly eventId: string } | undefined {
    const { random, sent } = this;
    if (sent.length === 0) return undefined;
    const click = random.pick(random.chance(0.7) ? sent.slice(-60) : sent);
    if (typeof click["event_id"] !== "string") return undefined;
    return { adId: String(click["ad_id"]), eventId: click["event_id"] };
  }

  private click(atMs: number, history: boolean): Fields {
    const { random, sent } = this;
    let click = this.newClick(atMs, history);
    if (sent.length > 0 && random.chance(0.25)) {
      click = { ...random.pick(random.chance(0.7) ? sent.slice(-40) : sent) };
      const isAhead =
        Number(click["click_timestamp"]) > this.settings.startMs + atMs - 2 * minuteMs;
      // A batch of an import is refused as a whole for one click in the future, and a clock may go back.
      if (random.chance(0.3) || (history && isAhead))
        click["click_timestamp"] = this.time(atMs, history);
    }
    sent.push(click);
    return click;
  }

  private newClick(atMs: number, history: boolean): Fields {
    const { random } = this;
    const click: Fields = {
      ad_id: random.pick(plannedAds),
      click_timestamp: this.time(atMs, history),
    };
    if (!random.chance(0.1)) click["event_id"] = random.pick(this.eventIds);
    for (const [name, values] of Object.entries(plannedValues)) {
      if (random.chance(0.85)) click[name] = random.pick(values);
    }
    return click;
  }

  private broken(atMs: number): SentItem {
    const { random } = this;
    const click = this.newClick(atMs, false);
    const broken = random.pick<Fields>([
      { ...click, ad_id: null },
      { ...click, click_timestamp: "yesterday" },
      { ...click, click_timestamp: this.settings.startMs + atMs + 365 * 24 * 60 * minuteMs },
      { ...click, ip: "10.0.0.256" },
      { ...click, country: "usa" },
    ]);
    return { fields: broken, isValid: false };
  }

  /** Mostly a little behind, at times up to half a minute ahead, late, or beyond the horizon; edges of minutes too. */
  private time(atMs: number, history: boolean): number {
    const { random } = this;
    const nowMs = this.settings.startMs + atMs;
    const horizonMs = this.settings.semantic.dedupHorizonMs;
    const roll = random.unit();
    if (history)
      return (
        nowMs -
        random.between(
          2 * minuteMs,
          roll < 0.5 ? 10 * minuteMs : roll < 0.95 ? 3 * horizonMs : 2 * dayMs,
        )
      );
    if (roll < 0.6) return nowMs - random.between(0, 12_000);
    if (roll < 0.7) return nowMs + random.between(0, 30_000);
    if (roll < 0.8) return nowMs - random.between(0, 3 * minuteMs);
    if (roll < 0.9) {
      return minuteOf(nowMs) * minuteMs - random.below(2) * minuteMs - random.below(2);
    }
    return nowMs - random.between(0, roll < 0.97 ? horizonMs : 3 * horizonMs);
  }
}
