import { hourOfMinute } from "../model/time.ts";
import { HourFilter } from "./hour-filter.ts";

/** Ids a first filter of an hour has room for where nothing is known about how many will come. */
const firstRoom = 1024;

interface HourIds {
  readonly filters: HourFilter[];
  /** Ids the last filter was made for, and how many it has been given. */
  room: number;
  used: number;
  /** Of all filters. */
  total: number;
}

/**
 * The older tier: filters by event hour, each for the minutes of its hour that have left the recent tier. An hour that
 * outgrows its filter gets another, twice as large.
 */
export class OlderIds {
  private readonly hours = new Map<number, HourIds>();
  private byteCount = 0;
  private firstCompleteMinute: number;

  /** Ids of the minutes before are in no filter: only the raw store knows them. */
  constructor(firstCompleteMinute: number) {
    this.firstCompleteMinute = firstCompleteMinute;
  }

  private idCount = 0;

  get firstMinute(): number {
    return this.firstCompleteMinute;
  }

  get bytes(): number {
    return this.byteCount;
  }

  get size(): number {
    return this.idCount;
  }

  /** Makes room for this many more ids of an hour ahead of adding them. */
  reserve(hour: number, idCount: number): void {
    const ids = this.hours.get(hour);
    if (!ids || ids.room - ids.used < idCount) this.addFilter(hour, idCount);
  }

  add(minute: number, hash: Uint32Array, at: number): void {
    if (minute < this.firstCompleteMinute) return;
    const hour = hourOfMinute(minute);
    let ids = this.hours.get(hour);
    if (!ids || ids.used >= ids.room) ids = this.addFilter(hour, ids ? ids.room * 2 : firstRoom);
    ids.filters.at(-1)!.add(hash, at);
    ids.used++;
    ids.total++;
    this.idCount++;
  }

  mayHave(minute: number, hash: Uint32Array, at: number): boolean {
    if (minute < this.firstCompleteMinute) return true;
    const ids = this.hours.get(hourOfMinute(minute));
    return ids !== undefined && ids.filters.some((filter) => filter.mayHave(hash, at));
  }

  /** Forgets what is before this minute, hour by hour. */
  dropBefore(minute: number): void {
    if (minute <= this.firstCompleteMinute) return;
    this.firstCompleteMinute = minute;
    const firstHour = hourOfMinute(minute);
    for (const [known, ids] of this.hours) {
      if (known >= firstHour) continue;
      for (const filter of ids.filters) this.byteCount -= filter.bytes;
      this.idCount -= ids.total;
      this.hours.delete(known);
    }
  }

  private addFilter(hour: number, room: number): HourIds {
    const ids = this.hours.get(hour) ?? { filters: [], room: 0, used: 0, total: 0 };
    const filter = new HourFilter(room);
    ids.filters.push(filter);
    ids.room = room;
    ids.used = 0;
    this.byteCount += filter.bytes;
    this.hours.set(hour, ids);
    return ids;
  }
}
