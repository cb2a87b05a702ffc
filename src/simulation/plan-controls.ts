import type {
  CloseControl,
  Control,
  RecomputeControl,
  ReleaseControl,
  RetentionControl,
  RollbackControl,
  VoidControl,
} from "../model/log-record.ts";
import { dayOfMinute, hourMs, minuteMs, minuteOf } from "../model/time.ts";
import type { Random } from "../traffic/random.ts";
import type { HistorySettings } from "./history.ts";
import type { ClickPlanner } from "./plan-clicks.ts";
import { plannedAds } from "./plan-clicks.ts";

/**
 * What people ask for in one history: attributes of ads, voids and their undoing, releases, closes, recomputes,
 * retention.
 */
export class ControlPlanner {
  private readonly random: Random;
  private readonly settings: HistorySettings;
  private readonly clicks: ClickPlanner;
  private readonly voids: VoidControl[] = [];
  private readonly recomputes: string[] = [];
  private ids = 0;

  constructor(random: Random, settings: HistorySettings, clicks: ClickPlanner) {
    this.random = random;
    this.settings = settings;
    this.clicks = clicks;
  }

  /** What happens to be asked for at a moment; mostly nothing. */
  at(atMs: number): Control[] {
    const { random } = this;
    const controls: Control[] = [];
    if (random.chance(0.05)) controls.push(this.attributes(atMs));
    if (random.chance(0.06)) controls.push(this.void());
    if (random.chance(0.05)) controls.push(this.release(atMs));
    if (random.chance(0.03)) controls.push(this.close(atMs));
    if (random.chance(0.05)) controls.push(this.recompute(atMs));
    if (random.chance(0.03)) controls.push(this.rollback());
    if (random.chance(0.03)) controls.push(this.retention(atMs));
    return controls;
  }

  private attributes(atMs: number): Control {
    const { random } = this;
    const change = {
      ad_id: random.pick(plannedAds),
      attributes: {
        [random.pick(this.settings.semantic.adAttributes)]: random.pick(["c1", "c2", null]),
      },
      valid_from_minute: this.minuteAt(atMs) - random.between(-5, 60),
    };
    return { type: "ad_attributes", changes: [change] };
  }

  /** Of clicks that were sent, or the same again, or the undoing of one before. */
  private void(): VoidControl {
    const { random, voids } = this;
    if (voids.length > 0 && random.chance(0.4)) {
      return { ...random.pick(voids), id: this.newId(), undo: random.chance(0.7) };
    }
    const picked = Array.from({ length: random.between(1, 8) }, () => this.clicks.pickSent());
    const identities = picked.map((click) => ({
      ad_id: click?.adId ?? plannedAds[0],
      event_id: click?.eventId ?? "never-sent",
    }));
    const made = { type: "void", id: this.newId(), reason: "invalid", undo: false } as const;
    voids.push({ ...made, identities });
    return { ...made, identities };
  }

  private release(atMs: number): ReleaseControl {
    const { random } = this;
    const to = this.minuteAt(atMs) - random.below(10);
    return {
      type: "release",
      id: this.newId(),
      reason: "a server was away",
      from_minute: to - random.pick([10, 60, 1_440]),
      to_minute: to,
      ad_id: random.chance(0.5) ? random.pick(plannedAds) : null,
      clicks_max: random.pick([2, 1_000]),
    };
  }

  private close(atMs: number): CloseControl {
    const agoMs = this.random.pick([2 * minuteMs, 10 * minuteMs, hourMs, 3 * hourMs]);
    const through = this.minuteAt(atMs - agoMs);
    return { type: "close", id: this.newId(), through_minute: through, tz: "UTC" };
  }

  private recompute(atMs: number): RecomputeControl {
    const { random } = this;
    const to = this.minuteAt(atMs) - random.pick([2, 5, 10, 60]);
    const made: RecomputeControl = {
      type: "recompute",
      id: this.newId(),
      reason: "another policy",
      from_minute: to - random.pick([10, 60, 1_440]),
      to_minute: to,
      late: random.pick([null, "restate", "quarantine"]),
    };
    this.recomputes.push(made.id);
    return made;
  }

  /** Mostly of the last one, which may have been refused or rolled back. */
  private rollback(): RollbackControl {
    const { random, recomputes } = this;
    const last = recomputes.at(-1) ?? "never-asked";
    const recompute_id = random.chance(0.8) ? last : random.pick([last, ...recomputes]);
    return { type: "rollback", id: this.newId(), reason: "no", recompute_id };
  }

  /** So short that yesterday goes, by a clock that may be ahead. */
  private retention(atMs: number): RetentionControl {
    const { random } = this;
    const today = dayOfMinute(this.minuteAt(atMs));
    const rawBefore = today + random.between(-1, 1);
    return {
      type: "retention",
      raw_before_day: rawBefore,
      minute_before_day: rawBefore - random.below(3),
    };
  }

  private minuteAt(atMs: number): number {
    return minuteOf(this.settings.startMs + atMs);
  }

  private newId(): string {
    return `operation-${++this.ids}`;
  }
}
