/** What is erased, in the plainest way. */
import type { ControlRecord, LogRecord } from "../../model/log-record.ts";
import type { SemanticConfig } from "../../model/semantic-config.ts";
import { dayOfMinute } from "../../model/time.ts";
import type { LogRow } from "./log-rows.ts";
import type { OracleErasure } from "./oracle-fold.ts";
import { RetainingOracle } from "./oracle-retention.ts";

export class ErasingOracle extends RetainingOracle {
  /** By operation, the clicks that it was about. */
  readonly erased = new Map<string, number>();
  private readonly later: readonly OracleErasure[];

  /** `later`: what is erased only later, but known of already. */
  constructor(config: SemanticConfig, later: readonly OracleErasure[]) {
    super(config);
    this.later = later;
  }

  protected override applyControl(record: ControlRecord, offset: number): void {
    super.applyControl(record, offset);
    const { control } = record;
    if (control.type !== "erase") return;
    let count = 0;
    for (const [i, click] of this.clicks.entries()) {
      if (!has(click, control)) continue;
      this.clicks[i] = {
        ...click,
        dimensions: { ...click.dimensions, [control.field]: undefined },
      };
      if (!this.droppedRaw.has(dayOfMinute(click.minute))) count++;
    }
    this.erased.set(control.id, count);
  }

  protected dimensionOf(click: LogRow, field: string): string | undefined {
    const isErased = this.later.some(
      (erasure) => erasure.field === field && click.offset < erasure.offset && has(click, erasure),
    );
    return isErased ? undefined : click.dimensions[field];
  }
}

export function erasuresOf(log: readonly LogRecord[]): OracleErasure[] {
  return log.flatMap((record, offset) =>
    record.kind === "control" && record.control.type === "erase"
      ? [{ ...record.control, offset }]
      : [],
  );
}

function has(
  { dimensions }: LogRow,
  { field, values }: Pick<OracleErasure, "field" | "values">,
): boolean {
  const value = dimensions[field];
  return value !== undefined && values.includes(value);
}
