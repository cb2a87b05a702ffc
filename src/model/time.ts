/** Minutes are epoch minutes: whole minutes since 1970-01-01T00:00Z. Times are epoch milliseconds. */

export const minuteMs = 60_000;
export const hourMs = 3_600_000;
export const dayMs = 86_400_000;
export const minutesAnHour = 60;
export const minutesADay = 1_440;

/** The minute bucket `[start, end)` that holds this time. */
export function minuteOf(timeMs: number): number {
  return Math.floor(timeMs / minuteMs);
}

export function hourOfMinute(minute: number): number {
  return Math.floor(minute / minutesAnHour);
}

export function dayOfMinute(minute: number): number {
  return Math.floor(minute / minutesADay);
}

/** `2017-11-07T09:30:00.000Z` */
export function formatTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

/** `2017-11-07T09:30:00Z` */
export function formatMinute(minute: number): string {
  return new Date(minute * minuteMs).toISOString().replace(".000Z", "Z");
}

/** `2017-11-07` of an epoch day. */
export function formatDate(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10);
}

/** `20171107`, the name of a day's tables. */
export function formatDay(day: number): string {
  return formatDate(day).replaceAll("-", "");
}
