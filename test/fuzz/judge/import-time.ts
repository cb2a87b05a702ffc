import { parseRfc3339 } from "./click.ts";

/** A time as files write it, local times in UTC; undefined where it is none. */
export function parseImportTime(text: string): number | undefined {
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  const match = /^(\d{4}-\d\d-\d\d)[ T](\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d+))?)?$/.exec(text);
  if (!match) return parseRfc3339(text);
  const [, date, hour, minute, second = "00", fraction = "0"] = match;
  return parseRfc3339(`${date}T${hour!.padStart(2, "0")}:${minute}:${second}.${fraction}Z`);
}
