/** One minute of one ad, by its dictionary key. */
export interface Bucket {
  readonly minute: number;
  readonly adKey: number;
}

/** A key for maps. Minutes stay below 2^27 until the year 2225, ads below 2^26: together 53 bits, exact. */
export function bucketKey(minute: number, adKey: number): number {
  return minute * 67_108_864 + adKey;
}
