import type { MinuteRange } from "../../model/window.ts";

/** What tells the cells of a minute apart. */
export const cellFields = ["ad_id", "country", "device"] as const;

export function minutesOf({ fromMinute, toMinute }: MinuteRange): number[] {
  return Array.from({ length: toMinute - fromMinute }, (_, i) => fromMinute + i);
}
