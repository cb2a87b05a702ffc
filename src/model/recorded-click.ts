import type { Bucket } from "./bucket.ts";
import { formatEventId } from "./click-batch.ts";
import type { OutcomeName } from "./outcome.ts";
import { minuteOf } from "./time.ts";

/** A click of the raw store with all that changing its outcome takes. */
export interface RecordedClick {
  readonly partition: number;
  readonly offset: number;
  /** Of its record. */
  readonly row: number;
  /** Epoch ms. */
  readonly clickTimestampMs: number;
  readonly receivedAtMs: number;
  readonly source: string;
  readonly adKey: number;
  /** See EventIdKind; zeros in `eventIdWords` (four of them) and a text where the kind is text. */
  readonly eventIdKind: number;
  readonly eventIdWords: readonly number[];
  readonly eventIdText: string | null;
  readonly outcome: OutcomeName;
  /** What it was before its outcome was changed last; null where that never happened. */
  readonly outcomeBefore: OutcomeName | null;
  /** What it was when it came. */
  readonly outcomeDecided: OutcomeName;
  /** Whether a release has ever let it into the counts. */
  readonly isReleased: boolean;
  /** Dictionary keys by minute dimension; absent or 0 = missing. */
  readonly dimensionKeys: Readonly<Record<string, number>>;
  /** Values of minute dimensions that were kept as texts when it came, and have no key here. */
  readonly dimensionTexts: Readonly<Record<string, string>>;
}

/** As the API shows it, see formatEventId. */
export function eventIdOf({ eventIdKind, eventIdWords, eventIdText }: RecordedClick): string {
  return formatEventId(eventIdKind, Uint32Array.from(eventIdWords), 0, eventIdText ?? undefined);
}

export function bucketOf({ clickTimestampMs, adKey }: RecordedClick): Bucket {
  return { minute: minuteOf(clickTimestampMs), adKey };
}
