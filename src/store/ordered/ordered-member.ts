/** The StoreMember port over a database of which the order of commits decides what counts. */

import type { Clock } from "../../clock/clock.ts";
import { pause } from "../../clock/clock.ts";
import { CodedError } from "../../model/errors.ts";
import { Attendance } from "../../order/attendance.ts";
import { Member } from "../../order/member.ts";
import { outOfOrder } from "../../order/order-log.ts";
import type { OrderReader } from "../../order/order-reader.ts";
import type { ClickStore } from "../click-store.ts";
import type { EnterOptions, StoreMember } from "../shared-store.ts";
import type { OrderedDatabase } from "./ordered-database.ts";

/** Between two looks whether the commits of others are decided. */
const undecidedMs = 50;

export class OrderedMember implements StoreMember {
  private readonly clock: Clock;
  private readonly database: OrderedDatabase;
  private readonly member: Member;
  private readonly attendance: Attendance;
  private readonly isAlone: boolean;
  private readonly stopping = new AbortController();

  private constructor(
    clock: Clock,
    database: OrderedDatabase,
    member: Member,
    attendance: Attendance,
    isAlone: boolean,
  ) {
    this.clock = clock;
    this.database = database;
    this.member = member;
    this.attendance = attendance;
    this.isAlone = isAlone;
  }

  /** The reader is its own once this has resolved. */
  static async enter(
    clock: Clock,
    database: OrderedDatabase,
    reader: OrderReader,
    options: EnterOptions,
  ): Promise<OrderedMember> {
    const isAlone = reader.order.memberNames.length === 0;
    const member = await Member.enter({ ...options, clock, reader });
    const attendance = new Attendance({ clock, member, onLooked: options.onChange });
    return new OrderedMember(clock, database, member, attendance, isAlone);
  }

  get terms(): ReadonlyMap<number, number> | undefined {
    return this.member.isOut ? undefined : this.member.terms;
  }

  async hear(): Promise<void> {
    try {
      await this.member.reader.readAll();
    } catch (error) {
      // Where it can't go on to read it is out, and knows by that.
      if (!this.member.isOut) throw error;
    }
  }

  async open(): Promise<ClickStore> {
    const { member, database, isAlone } = this;
    const { order } = member.reader;
    await using resources = new AsyncDisposableStack();
    // Of what it has counted before.
    await member.abandon();
    const { terms } = member;
    await this.untilDecided();
    const store = resources.use(await database.openCounting({ member, terms, isAlone }));
    await this.checkCommits();
    for (const partition of terms.keys()) {
      const nextOffset = store.endOf(partition);
      const end = order.endOf(partition);
      // Where it was lost meanwhile somebody may have gone on.
      if (nextOffset !== end && member.terms.get(partition) === terms.get(partition))
        throw outOfOrder(
          `has partition ${partition} up to ${end}, the database ${database.name} up to ${nextOffset}`,
        );
    }
    resources.move();
    return store;
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
      await pause(this.clock, undecidedMs, this.stopping.signal);
      this.stopping.signal.throwIfAborted();
      await reader.readAll();
    }
  }

  /** A database of which the log knows less was counted in another order. */
  private async checkCommits(): Promise<void> {
    const { database, member } = this;
    const lastWritten = await database.lastWritten();
    // What others have written meanwhile they had reserved before.
    await member.reader.readAll();
    const { reservedThrough } = member.reader.order;
    if (lastWritten > reservedThrough)
      throw outOfOrder(
        `ends with commit ${reservedThrough}, the database ${database.name} has ${lastWritten}`,
      );
  }
}
