import type { CloseControl } from "../model/log-record.ts";
import type { Effects } from "./effects.ts";
import type { PartitionState } from "./state.ts";

/**
 * Seals what is final. Who asks has looked at the watermark already, which only rises; a period that is not final all the
 * same stays open, and the operation says so.
 */
export function stepClose(
  state: PartitionState,
  offset: number,
  receivedAtMs: number,
  { id, through_minute: throughMinute, tz }: CloseControl,
  effects: Effects,
): void {
  const { partition } = state;
  const isFinal = throughMinute <= state.watermark.finalBeforeMinute;
  const isNew = throughMinute > state.closedThroughMinute;
  if (isFinal && isNew) {
    state.closedThroughMinute = throughMinute;
    effects.closes.push({ id, throughMinute, tz, partition, receivedAtMs });
  }
  const result = { closed: isFinal && isNew ? 1 : 0, already_closed: isNew ? 0 : 1 };
  effects.operations.push({
    id,
    type: "close",
    reason: "",
    partition,
    offset,
    receivedAtMs,
    result,
  });
}
