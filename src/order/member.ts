/** A life of a process in the order of commits: what it says there, each record once, whatever becomes of its appends. */

import { randomUUID } from "node:crypto";
import type { Clock } from "../clock/clock.ts";
import { Turns } from "../clock/turns.ts";
import { CodedError } from "../model/errors.ts";
import type { Reservation } from "./commit-order.ts";
import type { OrderReader } from "./order-reader.ts";
import type { CommitRange, OrderRecord } from "./order-record.ts";

export interface MemberOptions {
  readonly clock: Clock;
  readonly reader: OrderReader;
  /** The same in every life of a process. */
  readonly instance: string;
  /** Of the click queue. */
  readonly partitionCount: number;
}

type Said = Exclude<OrderRecord, { readonly kind: "expel" | "note" }>;

export class Member {
  readonly name = randomUUID();
  readonly reader: OrderReader;
  private readonly clock: Clock;
  private readonly turns = new Turns();
  /** Of which nobody knows whether it is in the log. */
  private unsettled: Said | undefined;

  private constructor({ clock, reader }: MemberOptions) {
    this.clock = clock;
    this.reader = reader;
  }

  /** Rejects where the log is away: then it may have entered, and is expelled like any that is silent. */
  static async enter(options: MemberOptions): Promise<Member> {
    const member = new Member(options);
    const { instance, partitionCount } = options;
    await member.turns.take(async () => {
      await member.append({
        kind: "enter",
        member: member.name,
        number: 0,
        instance,
        partitionCount,
      });
      member.assertIn();
    });
    return member;
  }

  /** As far as the log is read. */
  get isOut(): boolean {
    return this.reader.isLost || this.reader.order.reservedBy(this.name) === undefined;
  }

  /** What it counts, as far as the log is read; see CommitOrder. */
  get terms(): ReadonlyMap<number, number> {
    return this.reader.order.termsOf(this.name);
  }

  /** In the order of the ranges; without those of partitions that it has lost. */
  reserve(ranges: readonly CommitRange[]): Promise<readonly Reservation[]> {
    return this.turns.take(async () => {
      await this.giveUp();
      await this.say((number) => ({ kind: "reserve", member: this.name, number, ranges }));
      return [...this.reserved()];
    });
  }

  /** Makes these count, but for those of partitions that it has lost. */
  async done(reservations: readonly Reservation[]): Promise<void> {
    const through = reservations.at(-1)!.sequence;
    await this.turns.take(() =>
      this.say((number) => ({ kind: "done", member: this.name, number, through })),
    );
  }

  /** Gives up what it has reserved and not finished, so that nobody waits for it. */
  async abandon(): Promise<void> {
    await this.turns.take(() => this.giveUp());
  }

  /** Finds out what became of a record whose append has failed: after that it is in the log, or never will be taken. */
  settle(): Promise<void> {
    return this.turns.take(() => this.sayAgain());
  }

  async alive(): Promise<void> {
    await this.turns.take(() =>
      this.say((number) => ({ kind: "alive", member: this.name, number })),
    );
  }

  async leave(): Promise<void> {
    await this.turns.take(async () => {
      const number = this.reader.order.nextNumberOf(this.name);
      if (number !== undefined) await this.append({ kind: "leave", member: this.name, number });
    });
  }

  private async giveUp(): Promise<void> {
    await this.sayAgain();
    if (this.reserved().length > 0)
      await this.say((number) => ({ kind: "abandon", member: this.name, number }));
  }

  private reserved(): readonly Reservation[] {
    return this.reader.order.reservedBy(this.name) ?? [];
  }

  private async say(make: (number: number) => Said): Promise<void> {
    await this.sayAgain();
    const number = this.reader.order.nextNumberOf(this.name);
    if (number !== undefined) await this.append(make(number));
    this.assertIn();
  }

  /** The first try of it may still come, and is then passed over by its number. */
  private async sayAgain(): Promise<void> {
    if (!this.unsettled) return;
    await this.reader.readAll();
    if (this.reader.order.nextNumberOf(this.name) === this.unsettled.number)
      await this.append(this.unsettled);
    this.unsettled = undefined;
  }

  private async append(record: Said): Promise<void> {
    const { reader, clock } = this;
    this.unsettled = record;
    await reader.readThrough(await reader.log.append(record, clock.nowMs()));
    this.unsettled = undefined;
  }

  private assertIn(): void {
    if (this.isOut)
      throw new CodedError(
        "store_taken_over",
        "the others have gone on without this process, which was not heard of for too long",
      );
  }
}
