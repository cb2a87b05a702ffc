/** The SharedStore port over a database and the log of the order in which its commits count. */

import type { Clock } from "../../clock/clock.ts";
import { CodedError } from "../../model/errors.ts";
import type { Decision } from "../../order/commit-order.ts";
import { noteOnce, readNote, writeNote } from "../../order/notes.ts";
import type { OrderLogs } from "../../order/order-log.ts";
import { outOfOrder } from "../../order/order-log.ts";
import { OrderReader } from "../../order/order-reader.ts";
import type { FollowedStore } from "../followed-store.ts";
import type { EnterOptions, SharedNote, SharedStore, StoreMember } from "../shared-store.ts";
import type { OrderedDatabase } from "./ordered-database.ts";
import { OrderedMember } from "./ordered-member.ts";

/** What belongs together: a note in the order. */
interface Founding {
  readonly database: string;
  /** Hexadecimal. */
  readonly secret: string;
}

const foundingName = "founding";

/**
 * Database and logs are its own from here on, also where it can't be shared. `newSecret`: the database's where nobody has
 * shared it before; the seed of all that hashes.
 */
export async function shareDatabase(
  database: OrderedDatabase,
  logs: OrderLogs,
  clock: Clock,
  newSecret: Uint8Array,
): Promise<SharedStore> {
  await using resources = new AsyncDisposableStack();
  resources.use(logs);
  resources.use(database);
  const [id] = await database.readIds();
  const log = resources.use(await logs.open());
  const reader = await OrderReader.open(log, await database.readOrderSnapshot());
  const secret = Buffer.from(newSecret).toString("hex");
  const own = JSON.stringify({ database: id!, secret } satisfies Founding);
  const founding = await checked(database, await noteOnce(reader, clock, foundingName, own));
  resources.move();
  return new SharedDatabase(database, logs, clock, reader, founding);
}

/** For who only reads. Rejects with `store_unavailable` where nobody has begun to count. */
export async function followDatabase(
  database: OrderedDatabase,
  logs: OrderLogs,
): Promise<FollowedStore> {
  await using resources = new AsyncDisposableStack();
  const log = resources.use(await logs.open());
  const reader = await OrderReader.open(log, await database.readOrderSnapshot());
  const founding = await checked(database, begunNote(database, reader, foundingName));
  const decided: Decision[] = [];
  reader.listen((_, settled) => decided.push(...settled));
  const secret = secretOf(founding);
  const databaseId = founding.database;
  const followed = await database.openFollowed({ reader, decided, databaseId, secret });
  resources.move();
  return followed;
}

/** What all who share a database know, for who does not read it: their secret, and a text. Rejects as `followDatabase` does. */
export async function readShared(
  database: OrderedDatabase,
  logs: OrderLogs,
  noteName: string,
): Promise<{ readonly secret: Uint8Array; readonly text: string }> {
  await using log = await logs.open();
  const reader = await OrderReader.open(log, await database.readOrderSnapshot());
  const founding = await checked(database, begunNote(database, reader, foundingName));
  return { secret: secretOf(founding), text: begunNote(database, reader, noteName) };
}

function begunNote(database: OrderedDatabase, reader: OrderReader, name: string): string {
  const note = reader.order.note(name);
  if (note) return note.text;
  throw new CodedError("store_unavailable", "no process has begun to count yet", {
    details: { database: database.name },
  });
}

function secretOf({ secret }: Founding): Uint8Array {
  return Buffer.from(secret, "hex");
}

/** Of two that make the database at a time one is named: all that is named is there. */
async function checked(database: OrderedDatabase, text: string): Promise<Founding> {
  const founding = JSON.parse(text) as Founding;
  if ((await database.readIds()).includes(founding.database)) return founding;
  throw outOfOrder(`is of another database than ${database.name} is by now`);
}

/** What stands in the order of a database that was made otherwise. */
export function foundingNote(founding: Founding): readonly [name: string, text: string] {
  return [foundingName, JSON.stringify(founding)];
}

class SharedDatabase implements SharedStore {
  readonly id: string;
  readonly secret: Uint8Array;
  private readonly database: OrderedDatabase;
  private readonly logs: OrderLogs;
  private readonly clock: Clock;
  private readonly reader: OrderReader;

  constructor(
    database: OrderedDatabase,
    logs: OrderLogs,
    clock: Clock,
    reader: OrderReader,
    founding: Founding,
  ) {
    this.id = founding.database;
    this.secret = secretOf(founding);
    this.database = database;
    this.logs = logs;
    this.clock = clock;
    this.reader = reader;
  }

  async enter(options: EnterOptions): Promise<StoreMember> {
    const { database, clock } = this;
    await using resources = new AsyncDisposableStack();
    const log = resources.use(await this.logs.open());
    const reader = await OrderReader.open(log, await database.readOrderSnapshot());
    const member = await OrderedMember.enter(clock, database, reader, options);
    resources.move();
    return member;
  }

  readNote(name: string): Promise<SharedNote> {
    return readNote(this.reader, name);
  }

  writeNote(name: string, note: SharedNote): Promise<SharedNote> {
    return writeNote(this.reader, this.clock, name, note);
  }

  follow(): Promise<FollowedStore> {
    return followDatabase(this.database, this.logs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reader.log[Symbol.asyncDispose]();
    await this.database[Symbol.asyncDispose]();
    await this.logs[Symbol.asyncDispose]();
  }
}
