import type { OrderSnapshot } from "../../order/order-reader.ts";
import type { WrittenRows } from "./written-rows.ts";
import { markTable } from "./written-rows.ts";

/**
 * The tables of a database on servers of its own: rows under the sequence of their commit, whoever wrote them, whether they
 * count or not, and however often they came.
 */
export class SimulatedTables {
  readonly id = "simulated";
  orderSnapshot: OrderSnapshot | undefined;
  private readonly bySequence = new Map<number, WrittenRows[]>();
  /** Of commits that were written whole or in part, ascending. */
  private sequences: number[] = [];

  insert(sequence: number, rows: WrittenRows): void {
    const known = this.bySequence.get(sequence);
    if (known) {
      known.push(rows);
      return;
    }
    this.bySequence.set(sequence, [rows]);
    this.sequences = [...this.sequences, sequence].toSorted((a, b) => a - b);
  }

  rowsOf(sequence: number): readonly WrittenRows[] {
    return this.bySequence.get(sequence) ?? [];
  }

  upTo(sequence: number): number[] {
    return this.sequences.filter((own) => own <= sequence);
  }

  get lastWritten(): number {
    const marked = this.sequences.filter((sequence) =>
      this.rowsOf(sequence).some(({ table }) => table === markTable),
    );
    return marked.at(-1) ?? 0;
  }
}
