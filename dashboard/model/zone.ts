/** Times of a zone. The service counts in UTC; people read and write the time of their zone. */

interface LocalTime {
  readonly date: string;
  readonly time: string;
}

const formats = new Map<string, Intl.DateTimeFormat>();
/** Zones that a page has used; there are some 600. */
const formatsMax = 700;

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known) return known;
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
  if (formats.size >= formatsMax) formats.clear();
  formats.set(zone, format);
  return format;
}

/** `2026-11-23` and `10:05:00`. */
export function localTime(timeMs: number, zone: string): LocalTime {
  const parts = Object.fromEntries(
    formatOf(zone)
      .formatToParts(timeMs)
      .map(({ type, value }) => [type, value]),
  );
  const { year, month, day, hour, minute, second } = parts;
  return { date: `${year}-${month}-${day}`, time: `${hour}:${minute}:${second}` };
}

function offsetMs(timeMs: number, zone: string): number {
  const { date, time } = localTime(timeMs, zone);
  return Date.parse(`${date}T${time}Z`) - Math.floor(timeMs / 1000) * 1000;
}

/**
 * Epoch ms of a local time, `2026-03-29` and `02:30`; NaN where it is none. One that occurs twice is the earlier; one that the clocks skip is
 * as long after the change as it was meant to be after it: the beginning of a day is its first moment.
 */
export function instantOf(date: string, time: string, zone: string): number {
  const asUtcMs = Date.parse(`${date}T${time}Z`);
  if (Number.isNaN(asUtcMs)) return Number.NaN;
  const dayMs = 86_400_000;
  const before = offsetMs(asUtcMs - dayMs, zone);
  const after = offsetMs(asUtcMs + dayMs, zone);
  const fitting = [asUtcMs - before, asUtcMs - after].filter(
    (timeMs) => timeMs + offsetMs(timeMs, zone) === asUtcMs,
  );
  return fitting.length > 0 ? Math.min(...fitting) : asUtcMs - before;
}

/** `2026-11-30` is three days after `2026-11-27`. */
export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

/** RFC 3339 without the fraction, as the service writes minutes. */
export function formatInstant(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/\.\d+Z$/, "Z");
}
