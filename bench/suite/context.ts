import type { Axis, FigureId } from "./figures.ts";

/** What a row of the benchmarks is given to measure with. */
export interface RowContext {
  /** Tiny sizes: what it does is what is seen, not how fast. */
  readonly quick: boolean;
  readonly rounds: number;
  /** Clicks of the history that a start is measured with. */
  readonly history: number;
  /** Writes down one value of a round. */
  note(figure: FigureId, server: string, value: number, place?: Place): void;
  /** Measures one of several; where that fails, the others are measured all the same, and the row fails in the end. */
  attempt(what: string, work: () => Promise<void>): Promise<void>;
  /** Says on standard error what goes on. */
  tell(text: string): void;
}

export interface Place {
  readonly axis: Axis;
  readonly at: number;
}
