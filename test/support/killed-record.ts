import { patternBytes } from "./queue-records.ts";

/** What a record of append-until-killed.ts says of itself. */
export interface KilledRecord {
  readonly group: number;
  readonly recordCount: number;
  readonly partition: number;
  readonly offset: number;
}

/** 32 bytes up to 30 KB, a function of the record alone. */
export function killedRecordBytes({
  group,
  recordCount,
  partition,
  offset,
}: KilledRecord): Uint8Array {
  const bytes = patternBytes(32 + ((offset * 7_919) % 30_000));
  new Float64Array(bytes.buffer, 0, 4).set([group, recordCount, partition, offset]);
  return bytes;
}

export function readKilledRecord(bytes: Uint8Array): KilledRecord {
  const [group, recordCount, partition, offset] = new Float64Array(bytes.slice(0, 32).buffer);
  return { group: group!, recordCount: recordCount!, partition: partition!, offset: offset! };
}
