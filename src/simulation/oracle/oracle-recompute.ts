/** Recomputes and their rollbacks. Counts always follow from the outcomes here, so that only late policies change anything. */
import type { ControlRecord, RecomputeControl, RollbackControl } from "../../model/log-record.ts";
import type { OutcomeName } from "../../model/outcome.ts";
import { minutesADay } from "../../model/time.ts";
import { CorrectedOracle } from "./oracle-corrections.ts";

interface AppliedRecompute {
  readonly id: string;
  readonly from: number;
  readonly to: number;
  /** By click: the outcome it had, and the one it was given. */
  readonly changed: ReadonlyMap<
    number,
    { readonly before: OutcomeName; readonly made: OutcomeName }
  >;
}

export class RecomputingOracle extends CorrectedOracle {
  private last: AppliedRecompute | undefined;

  protected override applyControl(record: ControlRecord, offset: number): void {
    super.applyControl(record, offset);
    const { control } = record;
    if (control.type === "recompute") this.applyRecompute(control, offset);
    else if (control.type === "rollback") this.applyRollback(control, offset);
  }

  private applyRecompute(control: RecomputeControl, offset: number): void {
    const { id, from_minute: from, to_minute: to, late } = control;
    if (!this.isFinal(to - 1) || this.wasDropped(from, to)) return;
    const changed = new Map<number, { before: OutcomeName; made: OutcomeName }>();
    for (const [i, click] of this.clicks.entries()) {
      const { minute, history, decided, outcome } = click;
      if (late === null || minute < from || minute >= to || history) continue;
      if (decided !== "restated" && decided !== "quarantined") continue;
      if (this.released.has(i)) continue;
      if (outcome !== (late === "restate" ? "quarantined" : "restated")) continue;
      const made = late === "restate" ? "restated" : "quarantined";
      changed.set(i, { before: outcome, made });
      this.correct(i, made, offset, "recompute");
    }
    this.last = { id, from, to, changed };
  }

  private wasDropped(from: number, to: number): boolean {
    return [...this.droppedRaw.keys()].some(
      (day) => (day + 1) * minutesADay > from && day * minutesADay < to,
    );
  }

  private applyRollback({ recompute_id: id }: RollbackControl, offset: number): void {
    if (this.last?.id !== id || this.wasDropped(this.last.from, this.last.to)) return;
    for (const [i, { before, made }] of this.last.changed)
      if (this.clicks[i]!.outcome === made) this.correct(i, before, offset, "rollback");
    this.last = undefined;
  }
}
