/** The queries of the port over the tables of a shared database, as of the last commit that this process knows. */

import type { DictionaryGrowth } from "../../model/commit.ts";
import type { CommitOrder } from "../../order/commit-order.ts";
import type { RecoveredState } from "../../store/click-store.ts";
import { Dictionaries } from "../../store/ordered/dictionaries.ts";
import { voidCommit } from "../../store/ordered/void-commit.ts";
import { applyCommit, rowsOfCommit } from "../store/apply-commit.ts";
import { SimulatedReader } from "../store/simulated-reader.ts";
import type { Contents } from "../store/tables.ts";
import { emptyContents } from "../store/tables.ts";
import type { Steps } from "../world/process.ts";
import type { SimulatedTables } from "./simulated-tables.ts";
import { gathered } from "./written-rows.ts";

export abstract class SharedReader extends SimulatedReader {
  protected readonly tables: SimulatedTables;
  protected readonly order: Pick<CommitOrder, "voids">;
  protected readonly dictionaries = new Dictionaries();
  /** Of the last commit that it knows. */
  protected known: number;
  private built: Contents = emptyContents();
  /** What is in it, in its order, each with how many inserts it was. */
  private builtOf: readonly string[] = [];

  protected constructor(
    tables: SimulatedTables,
    steps: Steps,
    order: Pick<CommitOrder, "voids">,
    known: number,
  ) {
    super(steps);
    this.tables = tables;
    this.order = order;
    this.known = known;
    for (const sequence of this.counting()) this.learn(sequence);
  }

  override async recover(): Promise<RecoveredState> {
    return { ...(await super.recover()), dictionaries: this.dictionaries.all() };
  }

  /** The values of a commit that are new, as growth of the dictionaries. */
  protected learn(sequence: number): DictionaryGrowth[] {
    const growths = this.tables.rowsOf(sequence).flatMap(({ texts }) => texts);
    return growths.flatMap(({ dictionary, values }) =>
      values.flatMap((value) =>
        this.dictionaries.learn(dictionary, value)
          ? [{ dictionary, firstKey: this.dictionaries.sizeOf(dictionary), values: [value] }]
          : [],
      ),
    );
  }

  /** Also of what is not decided yet: rows are there once they are written. */
  protected get contents(): Contents {
    const sequences = this.counting();
    const marks = sequences.map((own) => `${own} ${this.tables.rowsOf(own).length}`);
    // What was foreign may have got a key.
    const isMore =
      this.builtOf.every((mark, i) => mark === marks[i]) && this.built.foreign.length === 0;
    if (!isMore) {
      this.built = emptyContents();
      this.builtOf = [];
    }
    for (const sequence of sequences.slice(this.builtOf.length)) this.add(sequence);
    this.builtOf = marks;
    this.built.sequence = this.known;
    for (const [name, values] of this.dictionaries.all())
      this.built.dictionaries.set(name, [...values]);
    return this.built;
  }

  protected readonly keyOf = (dictionary: string, text: string | null): number => {
    const key = this.dictionaries.keyOf(dictionary, text);
    if (key > 0 || text === null) return key;
    // Of what others are about to write.
    const { foreign } = this.built;
    if (!foreign.includes(text)) foreign.push(text);
    return -1 - foreign.indexOf(text);
  };

  private counting(): number[] {
    const { voids } = this.order;
    const isVoid = (sequence: number): boolean =>
      voids.some(([first, last]) => sequence >= first && sequence <= last);
    return this.tables.upTo(this.known).filter((sequence) => !isVoid(sequence));
  }

  private add(sequence: number): void {
    const rows = this.tables.rowsOf(sequence);
    const { partition } = rows[0]!;
    const reached = this.built.progress.get(partition);
    const nothing = voidCommit(sequence, { partition, fromOffset: 0, nextOffset: 0 }, reached);
    const { commit, history } = gathered(nothing, rows, this.keyOf);
    // Each process that meets one in a log brings it.
    const configs = commit.configs.filter(({ generation }) =>
      this.built.configs.every(({ config }) => config.generation !== generation),
    );
    const own = { ...commit, configs };
    applyCommit(this.built, own, rowsOfCommit(own), history?.id);
  }
}
