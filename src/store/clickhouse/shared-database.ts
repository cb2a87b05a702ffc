/** The SharedStore port over a ClickHouse database and the log of the order in which its commits count. */

import { randomBytes } from "node:crypto";
import type { Clock } from "../../clock/clock.ts";
import { pause } from "../../clock/clock.ts";
import { CodedError } from "../../model/errors.ts";
import { Attendance } from "../../order/attendance.ts";
import type { Decision } from "../../order/commit-order.ts";
import { Member } from "../../order/member.ts";
import { noteOnce, readNote, writeNote } from "../../order/notes.ts";
import type { OrderLogs } from "../../order/order-log.ts";
import { outOfOrder } from "../../order/order-log.ts";
import { OrderReader } from "../../order/order-reader.ts";
import type { ClickStore } from "../click-store.ts";
import type { FollowedStore } from "../followed-store.ts";
import type { EnterOptions, SharedNote, SharedStore, StoreMember } from "../shared-store.ts";
import { ClickHouseStore } from "./clickhouse-store.ts";
import type { Database, DatabaseOptions } from "./database.ts";
import { forgetErasedValues } from "./erase.ts";
import { FollowedClickHouseStore } from "./followed-store.ts";
import { findDatabase, openDatabase, readIds } from "./open.ts";
import { readOrderSnapshot } from "./order-snapshot.ts";
import { loadState } from "./state.ts";

export interface SharedClickHouseOptions extends DatabaseOptions {
  readonly clock: Clock;
  /** Its own from here on, also where it can't be opened. */
  readonly logs: OrderLogs;
  /** See CountingOptions. */
  readonly purgeAfterMs?: number;
}

/** What belongs together: a note in the order. */
interface Founding {
  readonly database: string;
  /** Hexadecimal. */
  readonly secret: string;
}

const foundingName = "founding";
const secretBytes = 32;
/** Between two looks whether the commits of others are decided. */
const undecidedMs = 50;
/** What asks for newer commits all the time has small answers to wait for. */
const lookSilenceMsMax = 5_000;

/** Makes the database where there is none. Rejects with `data_format_newer`, `data_corrupt` or `store_unavailable`. */
export async function shareClickHouse(options: SharedClickHouseOptions): Promise<SharedStore> {
  await using resources = new AsyncDisposableStack();
  resources.use(options.logs);
  const database = resources.use(await openDatabase(options));
  const [id] = await readIds(database);
  const log = resources.use(await options.logs.open());
  const reader = await OrderReader.open(log, await readOrderSnapshot(database));
  const secret = randomBytes(secretBytes).toString("hex");
  const text = await noteOnce(
    reader,
    options.clock,
    foundingName,
    JSON.stringify({ database: id!, secret } satisfies Founding),
  );
  const founding = await readFounding(database, text);
  resources.move();
  return new SharedClickHouse(options, database, reader, founding);
}

/** For who only reads. Rejects with `store_unavailable` where it is away, or not made yet. */
export async function followClickHouse(
  options: Omit<SharedClickHouseOptions, "clock" | "purgeAfterMs">,
): Promise<FollowedStore> {
  await using resources = new AsyncDisposableStack();
  const database = resources.use(await findDatabase(options));
  const looking = resources.use(database.other({ silenceMsMax: lookSilenceMsMax }));
  const log = resources.use(await options.logs.open());
  const reader = await OrderReader.open(log, await readOrderSnapshot(database));
  const note = reader.order.note(foundingName);
  if (!note)
    throw new CodedError("store_unavailable", "no process has begun to count yet", {
      details: { database: database.name },
    });
  const { database: databaseId } = await readFounding(database, note.text);
  const decided: Decision[] = [];
  reader.listen((_, settled) => decided.push(...settled));
  const state = await loadState(database, reader.order);
  resources.move();
  return new FollowedClickHouseStore({ database, looking, databaseId, reader, decided, state });
}

/** Of two that make the database at a time one is named: all that is named is there. */
async function readFounding(database: Database, text: string): Promise<Founding> {
  const founding = JSON.parse(text) as Founding;
  if ((await readIds(database)).includes(founding.database)) return founding;
  throw outOfOrder(`is of another database than ${database.name} is by now`);
}

class SharedClickHouse implements SharedStore {
  readonly id: string;
  readonly secret: Uint8Array;
  private readonly options: SharedClickHouseOptions;
  private readonly database: Database;
  private readonly reader: OrderReader;

  constructor(
    options: SharedClickHouseOptions,
    database: Database,
    reader: OrderReader,
    founding: Founding,
  ) {
    this.id = founding.database;
    this.options = options;
    this.database = database;
    this.reader = reader;
    this.secret = Buffer.from(founding.secret, "hex");
  }

  async enter(options: EnterOptions): Promise<StoreMember> {
    await using resources = new AsyncDisposableStack();
    const log = resources.use(await this.options.logs.open());
    const reader = await OrderReader.open(log, await readOrderSnapshot(this.database));
    const { clock } = this.options;
    const isAlone = reader.order.memberNames.length === 0;
    const member = await Member.enter({ ...options, clock, reader });
    const attendance = new Attendance({ clock, member, onLooked: options.onChange });
    resources.move();
    return new ClickHouseMember(this.options, member, attendance, isAlone);
  }

  readNote(name: string): Promise<SharedNote> {
    return readNote(this.reader, name);
  }

  writeNote(name: string, note: SharedNote): Promise<SharedNote> {
    return writeNote(this.reader, this.options.clock, name, note);
  }

  follow(): Promise<FollowedStore> {
    return followClickHouse(this.options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reader.log[Symbol.asyncDispose]();
    await this.database[Symbol.asyncDispose]();
    await this.options.logs[Symbol.asyncDispose]();
  }
}

class ClickHouseMember implements StoreMember {
  private readonly options: SharedClickHouseOptions;
  private readonly member: Member;
  private readonly attendance: Attendance;
  /** Nobody else counted when it entered. */
  private readonly isAlone: boolean;
  private readonly stopping = new AbortController();

  constructor(
    options: SharedClickHouseOptions,
    member: Member,
    attendance: Attendance,
    isAlone: boolean,
  ) {
    this.options = options;
    this.member = member;
    this.attendance = attendance;
    this.isAlone = isAlone;
  }

  get terms(): ReadonlyMap<number, number> | undefined {
    return this.member.isOut ? undefined : this.member.terms;
  }

  async open(): Promise<ClickStore> {
    const { member, options } = this;
    const { order } = member.reader;
    await using resources = new AsyncDisposableStack();
    const database = resources.use(await findDatabase(options));
    // Of what it has counted before.
    await member.abandon();
    const { terms } = member;
    await this.untilDecided();
    if (this.isAlone) await forgetErasedValues(database);
    const state = await loadState(database, order);
    await checkCommits(database, member.reader);
    for (const partition of terms.keys()) {
      const nextOffset = state.progress.get(partition)?.nextOffset ?? 0;
      const end = order.endOf(partition);
      // Where it was lost meanwhile somebody may have gone on.
      if (nextOffset !== end && member.terms.get(partition) === terms.get(partition))
        throw outOfOrder(
          `has partition ${partition} up to ${end}, the database ${options.database} up to ${nextOffset}`,
        );
    }
    resources.move();
    const purgeAfterMs = options.purgeAfterMs ?? 0;
    return new ClickHouseStore({ database, member, terms, state, purgeAfterMs });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopping.abort(new CodedError("not_ready", "the service stops"));
    await this.attendance[Symbol.asyncDispose]();
    // Where the log is away the others find out by its silence.
    await this.member.leave().catch(() => {});
    await this.member.reader.log[Symbol.asyncDispose]();
  }

  /** Of all that was reserved so far; who is silent meanwhile is expelled. */
  private async untilDecided(): Promise<void> {
    const { reader } = this.member;
    await reader.readAll();
    const through = reader.order.reservedThrough;
    while (reader.order.settledThrough < through) {
      await pause(this.options.clock, undecidedMs, this.stopping.signal);
      this.stopping.signal.throwIfAborted();
      await reader.readAll();
    }
  }
}

/** A database of which the log knows less was counted in another order. */
async function checkCommits(database: Database, reader: OrderReader): Promise<void> {
  const { connection, tables } = database;
  const [row] = await connection.rows(`SELECT max(sequence) FROM ${tables.rows("commit_log")}`);
  // What others have written meanwhile they had reserved before.
  await reader.readAll();
  const { reservedThrough } = reader.order;
  if ((row![0] as number) > reservedThrough)
    throw outOfOrder(
      `ends with commit ${reservedThrough}, the database ${database.name} has ${row![0]}`,
    );
}
