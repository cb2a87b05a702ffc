/**
 * One click as a caller sends it, and the limits of its fields.
 *
 * The hot path never makes such objects (see click-batch.ts); they serve the edges: tests, the demo,
 * and the slow path of the decoders, which explains what is wrong with an item.
 */

export interface Click {
  readonly ad_id: string;
  /** Event time in epoch milliseconds, a whole number. */
  readonly click_timestamp: number;
  /** Absent: derived from the fields as sent, see derived-event-id.ts. */
  readonly event_id?: string;
  /** Values of declared dimensions by name; an absent name is a missing value. */
  readonly dimensions: Readonly<Record<string, string>>;
}

/** Limits in UTF-8 bytes. */
export const adIdBytesMax = 256;
export const eventIdBytesMax = 128;
export const dimensionValueBytesMax = 256;

/** Click times that can be stored: 1970-01-01 up to, not including, 2200-01-01 (epoch ms). */
export const clickTimestampMsMin = 0;
export const clickTimestampMsEnd = 7_258_118_400_000;
