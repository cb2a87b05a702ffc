import type { DatabaseSync, StatementSync } from "node:sqlite";
import { SqliteCode, sqliteCodeOf } from "../../files/sqlite-code.ts";
import { CodedError } from "../../model/errors.ts";

/**
 * Folded back from here on. Small, so that an append never waits long behind a checkpoint (3 ms measured,
 * 6 ms at twice the size), and large enough that one sync of the file serves many groups.
 */
const foldBytes = 2 << 20;
/** What a WAL that had grown is cut back to; in regular work it is written over and over without growing. */
const keptBytes = 8 << 20;
/** Beyond this the writer waits for readers to let go, and refuses appends where they don't. */
const walBytesMax = 64 << 20;

/** How many pages the WAL holds and how many of them are folded back. */
interface WalFrames {
  readonly busy: number;
  readonly log: number;
  readonly checkpointed: number;
}

/**
 * Decides when the WAL is folded back into the file. SQLite's own automatic checkpoints are off: they run
 * inside the commit, before the append can be answered, and their errors are swallowed, a failed sync too.
 */
export class WriteAheadLog {
  private readonly frameBytes: number;
  private readonly look: StatementSync;
  private readonly fold: StatementSync;
  private readonly restart: StatementSync;
  private readonly failed: (error: unknown) => void;
  private scheduled: NodeJS.Immediate | undefined;

  /** `failed` is told of an error after which the file must not be written any more. */
  constructor(database: DatabaseSync, failed: (error: unknown) => void) {
    database.exec(`PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = ${keptBytes}`);
    this.frameBytes = 24 + Number(database.prepare("PRAGMA page_size").get()?.["page_size"]);
    // Only looks since SQLite 3.51; where an older one takes it for PASSIVE, it folds at once.
    this.look = database.prepare("PRAGMA wal_checkpoint(NOOP)");
    this.fold = database.prepare("PRAGMA wal_checkpoint(PASSIVE)");
    this.restart = database.prepare("PRAGMA wal_checkpoint(RESTART)");
    this.failed = failed;
  }

  /** To be called after each commit: folds back when enough has come together, after the commit is answered. */
  committed(): void {
    if (this.scheduled) return;
    const { log, checkpointed } = this.look.get() as unknown as WalFrames;
    if ((log - checkpointed) * this.frameBytes < foldBytes) return;
    this.scheduled = setImmediate(() => {
      this.scheduled = undefined;
      this.foldBack();
    });
  }

  /**
   * To be called before a commit. A reader that looks at the WAL at the wrong moments keeps it from starting
   * over; when that has gone on for long, waits for the reader. Throws `queue_full` where that doesn't help.
   */
  ensureRoom(): void {
    const { log } = this.look.get() as unknown as WalFrames;
    if (log * this.frameBytes <= walBytesMax) return;
    let cause: unknown;
    try {
      const { busy } = this.restart.get() as unknown as WalFrames;
      if (busy === 0) return;
    } catch (error) {
      if (!isPassing(error)) throw error;
      cause = error;
    }
    throw new CodedError("queue_full", "the click queue's write-ahead log can't be folded back", {
      cause,
    });
  }

  /** Folds back what readers let it, without waiting for anybody. */
  foldBack(): void {
    try {
      this.fold.get();
    } catch (error) {
      if (!isPassing(error)) this.failed(error);
    }
  }

  [Symbol.dispose](): void {
    clearImmediate(this.scheduled);
    this.scheduled = undefined;
  }
}

/** The WAL still holds everything; the next commit tries again. */
function isPassing(error: unknown): boolean {
  const code = sqliteCodeOf(error);
  return code === SqliteCode.full || code === SqliteCode.busy || code === SqliteCode.locked;
}
