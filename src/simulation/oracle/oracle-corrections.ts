/** What people change afterwards: voids, releases, closes; in the plainest way. */
import type { RestatementReason } from "../../model/commit.ts";
import type {
  CloseControl,
  ControlRecord,
  ReleaseControl,
  VoidControl,
} from "../../model/log-record.ts";
import { dayOfMinute } from "../../model/time.ts";
import type { OutcomeName } from "../../model/outcome.ts";
import { isCounted, OracleFold, type OracleClick } from "./oracle-fold.ts";

export class CorrectedOracle extends OracleFold {
  /** The closes that took effect: the minutes before `through` are sealed as of the record at `offset`. */
  readonly seals: { readonly through: number; readonly offset: number }[] = [];
  /** By click, the outcome that its last correction took it from. */
  private readonly before = new Map<number, OutcomeName>();
  /** Clicks that a release has ever let into the counts. */
  protected readonly released = new Set<number>();

  protected override applyControl(record: ControlRecord, offset: number): void {
    super.applyControl(record, offset);
    const { control } = record;
    if (control.type === "void") this.applyVoid(control, offset);
    else if (control.type === "release") this.applyRelease(control, offset);
    else if (control.type === "close") this.applyClose(control, offset);
  }

  private applyClose({ through_minute: through }: CloseControl, offset: number): void {
    if (!this.isFinal(through - 1) || through <= this.closedThrough) return;
    this.closedThrough = through;
    this.seals.push({ through, offset });
  }

  private applyVoid({ identities, undo }: VoidControl, offset: number): void {
    const named = new Set(identities.map(({ ad_id, event_id }) => `${ad_id}|${event_id}`));
    for (const i of this.inOrderOfTime(({ adId, eventId }) => named.has(`${adId}|${eventId}`))) {
      const { outcome } = this.clicks[i]!;
      if (outcome === "duplicate") continue;
      if (undo && outcome === "voided") {
        const before = this.before.get(i)!;
        this.correct(i, before === "expired" ? "quarantined" : before, offset, "unvoid");
      }
      if (!undo && outcome !== "voided")
        this.correct(i, this.admits(i) ? "voided" : "duplicate", offset, "void");
    }
  }

  private applyRelease(control: ReleaseControl, offset: number): void {
    const found = this.inOrderOfTime(
      ({ adId, minute, outcome }) =>
        (outcome === "quarantined" || outcome === "expired") &&
        minute >= control.from_minute &&
        minute < control.to_minute &&
        adId === (control.ad_id ?? adId),
    );
    for (const i of found.slice(0, control.clicks_max)) {
      const counted = this.isFinal(this.clicks[i]!.minute) ? "restated" : "counted";
      const after = this.admits(i) ? counted : "duplicate";
      this.correct(i, after, offset, "release");
      if (after !== "duplicate") this.released.add(i);
    }
  }

  /** What had expired meets dedup only now. */
  private admits(i: number): boolean {
    const { outcome, identity, minute } = this.clicks[i]!;
    if (outcome !== "expired") return true;
    const minutes = this.recordedMinutes.get(identity) ?? [];
    if (minutes.includes(minute)) return false;
    this.recordedMinutes.set(identity, [...minutes, minute]);
    return true;
  }

  protected correct(
    i: number,
    after: OutcomeName,
    offset: number,
    reason: RestatementReason,
  ): void {
    const click = this.clicks[i]!;
    const change = Number(isCounted(after)) - Number(isCounted(click.outcome));
    const place = { adId: click.adId, minute: click.minute, offset };
    if (change !== 0 && this.isFinal(click.minute)) this.restate(place, reason, change);
    else if (change !== 0) this.recount(place, change);
    this.move(click, after);
    this.before.set(i, click.outcome);
    this.clicks[i] = { ...click, outcome: after, isCorrected: true };
  }

  private inOrderOfTime(matches: (click: OracleClick) => boolean): number[] {
    const found = [...this.clicks.keys()].filter(
      (i) => matches(this.clicks[i]!) && !this.droppedRaw.has(dayOfMinute(this.clicks[i]!.minute)),
    );
    return found.toSorted((a, b) => this.clicks[a]!.time - this.clicks[b]!.time || a - b);
  }
}
