/** Times as web servers write them, in a form that a click may have; what is none of them is left for ingest to judge. */

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/** `27/Nov/2026:01:35:41 +0000` */
const commonTime = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d\d)(\d\d)$/;
/** `1795829741.123`, or whole seconds. */
const epochSeconds = /^\d{9,11}(?:\.\d{1,9})?$/;
const epochMs = /^\d{12,14}$/;

export function logTime(value: unknown): unknown {
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string") return value;
  if (epochSeconds.test(text)) return Math.floor(Math.round(Number(text) * 1e6) / 1000);
  if (epochMs.test(text)) return Number(text);
  const found = commonTime.exec(text);
  if (!found) return value;
  const [, day, name, year, time, hours, minutes] = found;
  const month = String(months.indexOf(name!) + 1).padStart(2, "0");
  return `${year}-${month}-${day}T${time}${hours}:${minutes}`;
}
