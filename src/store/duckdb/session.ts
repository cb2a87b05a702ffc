/**
 * The store's engine while it is open. DuckDB refuses everything after an error it cannot undo, such as a disk that
 * filled up during a checkpoint; then the engine is opened anew, which replays what was committed.
 */

import { CodedError } from "../../model/errors.ts";
import { Engine } from "./engine.ts";
import type { OpenOptions } from "./open.ts";
import { Probes } from "./probes.ts";
import type { StoreContext } from "./queries.ts";
import { isEngineBroken, messageOf } from "./store-error.ts";
import { forgetErasedValues } from "./forget-values.ts";
import { StoreWriter } from "./store-writer.ts";

export interface Opened {
  readonly engine: Engine;
  readonly writer: StoreWriter;
  readonly probes: Probes;
}

export class Session {
  readonly options: OpenOptions;
  private opened: Opened;
  private reopening: Promise<void> | undefined;
  private readonly underWay = new Set<Promise<void>>();
  private closing: Promise<void> | undefined;
  /** Why the store can't go on: it came back without commits that were through. */
  private lost: CodedError | undefined;

  private constructor(options: OpenOptions, opened: Opened) {
    this.options = options;
    this.opened = opened;
  }

  static async open(options: OpenOptions): Promise<Session> {
    const opened = await openAll(options);
    const { maintenance, catalog } = opened.engine;
    // Not where the engine is opened anew amid work: keys may be on their way.
    await forgetErasedValues(maintenance, catalog).catch((error: unknown) => {
      options.warn(`what was erased is still spelled in a dictionary: ${messageOf(error)}`);
    });
    return new Session(options, opened);
  }

  /** As of now. */
  get context(): StoreContext {
    return this.opened.writer.context;
  }

  async use<T>(work: (opened: Opened) => Promise<T>): Promise<T> {
    const opened = await this.ready();
    const end = this.begin();
    try {
      return await work(opened);
    } catch (error) {
      this.noteFailure(opened, error);
      throw error;
    } finally {
      end();
    }
  }

  async *stream<T>(work: (opened: Opened) => AsyncIterable<T>): AsyncGenerator<T> {
    const opened = await this.ready();
    const end = this.begin();
    try {
      yield* work(opened);
    } catch (error) {
      this.noteFailure(opened, error);
      throw error;
    } finally {
      end();
    }
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    this.closing ??= this.closeNow();
    await this.closing;
  }

  private async closeNow(): Promise<void> {
    await this.reopening;
    await this.idle();
    const { engine, writer } = this.opened;
    // The log has all that this would have covered.
    await writer.checkpointAtEnd().catch((error: unknown) => {
      this.options.warn(`the store closes without a checkpoint: ${messageOf(error)}`);
    });
    await engine.close();
  }

  private async ready(): Promise<Opened> {
    if (this.closing) throw new CodedError("storage_failed", "the store is closed");
    await this.reopening;
    if (this.lost) throw this.lost;
    return this.opened;
  }

  private begin(): () => void {
    let end!: () => void;
    const work = new Promise<void>((resolve) => (end = resolve));
    this.underWay.add(work);
    void work.then(() => this.underWay.delete(work));
    return end;
  }

  private async idle(): Promise<void> {
    while (this.underWay.size > 0) await Promise.all(this.underWay);
  }

  private noteFailure(opened: Opened, error: unknown): void {
    if (!isEngineBroken(error) || this.reopening || opened !== this.opened) return;
    this.options.warn(`the store's engine is opened anew after: ${messageOf(error)}`);
    this.reopening = this.reopen();
  }

  /** Who comes after a failure finds the broken engine and begins this anew. */
  private async reopen(): Promise<void> {
    try {
      await this.replaceEngine();
    } catch (error) {
      if (error instanceof CodedError && error.code === "data_corrupt") this.lost = error;
      this.options.warn(`the store's engine could not be opened anew: ${messageOf(error)}`);
    } finally {
      this.reopening = undefined;
    }
  }

  private async replaceEngine(): Promise<void> {
    await this.idle();
    const before = this.opened.writer.sequence;
    await this.opened.engine.close();
    const opened = await openAll(this.options);
    if (opened.writer.sequence < before) {
      await opened.engine.close();
      throw new CodedError(
        "data_corrupt",
        `${this.options.path} came back at commit ${opened.writer.sequence}, it was at ${before}; start anew`,
      );
    }
    this.opened = opened;
  }
}

async function openAll(options: OpenOptions): Promise<Opened> {
  const engine = await Engine.open(options);
  try {
    const writer = await StoreWriter.load(engine);
    return { engine, writer, probes: new Probes(engine.probes, engine.catalog) };
  } catch (error) {
    await engine.close();
    throw error;
  }
}
