import type { OutcomeName } from "./outcome.ts";

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
