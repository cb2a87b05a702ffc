import { minuteOf } from "../model/time.ts";
import type { Random } from "../traffic/random.ts";
import type { HistorySettings, Question } from "./history.ts";
import { plannedAds, plannedValues } from "./plan-clicks.ts";

/** A question about the minutes around a moment. */
export function planQuestion(random: Random, settings: HistorySettings, atMs: number): Question {
  const minute = minuteOf(settings.startMs + atMs);
  const fromMinute = minute - random.pick([0, 1, 2, 5, 60, 600]);
  const filter = random.chance(0.6) ? planFilter(random) : undefined;
  // The past is asked about minutes that may have been final then.
  const isPast = random.chance(0.4);
  const backMinutes = isPast ? random.pick([0, 2, 5, 60]) : 0;
  return {
    kind: random.pick(["count", "top", "cells", "explain"]),
    fromMinute: fromMinute - backMinutes,
    toMinute:
      random.pick([fromMinute + 1, minute, minute + 1]) +
      (fromMinute === minute ? 1 : 0) -
      backMinutes,
    adId: random.pick(plannedAds),
    ...(filter !== undefined && { filter }),
    ...(isPast && { asOfShare: 1 - random.unit() ** 2 }),
  };
}

/** RSQL over every kind of field, up to two levels deep. */
export function planFilter(random: Random, depth = 2): string {
  if (depth > 0 && random.chance(0.4)) {
    const operands = Array.from({ length: random.between(2, 3) }, () =>
      planFilter(random, depth - 1),
    );
    return `(${operands.join(random.pick([";", ","]))})`;
  }
  const field = random.pick(["country", "device", "user_id", "ip", "ad_id", "ad.campaign_id"]);
  const operator = random.pick(["==", "!=", "=in=", "=out=", "=null="]);
  if (operator === "=null=") return `${field}=null=${random.pick(["true", "false"])}`;
  const values = Array.from({ length: random.between(1, 3) }, () =>
    JSON.stringify(random.pick(valuesOf(field))),
  );
  const isSet = operator === "=in=" || operator === "=out=";
  return `${field}${operator}${isSet ? `(${values.join(",")})` : values[0]}`;
}

/** Of each field also one that nobody sends. */
function valuesOf(field: string): readonly string[] {
  switch (field) {
    case "country":
      return [...plannedValues.country, "FR"];
    case "device":
      return [...plannedValues.device, "tv"];
    case "user_id":
      return [...plannedValues.user_id, "u9"];
    case "ip":
      return [...plannedValues.ip, "10.9.9.9"];
    case "ad_id":
      return [...plannedAds, "nobody"];
    default:
      return ["c1", "c2", "c9"];
  }
}
