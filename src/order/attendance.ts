/**
 * Says that a member is alive, and expels others that are not heard of: by this process's own clock, from when it last read
 * the log to its end. A log that is away says nothing about anybody.
 */

import type { Clock } from "../clock/clock.ts";
import { Repeating } from "../clock/repeating.ts";
import type { Member } from "./member.ts";
import type { OrderRecord } from "./order-record.ts";

export interface AttendanceOptions {
  readonly clock: Clock;
  readonly member: Member;
  /** After each look: it may have been expelled, or have other partitions. */
  readonly onLooked: () => void;
}

const lookEveryMs = 1_000;
/** Of silence: some looks in a row have failed, or the process sleeps. */
const silenceMsMax = 5_000;

export class Attendance implements AsyncDisposable {
  private readonly options: AttendanceOptions;
  private readonly heardAtMs = new Map<string, number>();
  private readonly looks: Repeating;
  private isStopped = false;

  constructor(options: AttendanceOptions) {
    this.options = options;
    options.member.reader.listen((record) => this.hear(record));
    this.looks = new Repeating(options.clock, lookEveryMs, () => this.look());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isStopped = true;
    await this.looks[Symbol.asyncDispose]();
  }

  private hear(record: OrderRecord): void {
    if ("member" in record && record.kind !== "expel")
      this.heardAtMs.set(record.member, this.options.clock.monotonicMs());
  }

  private async look(): Promise<void> {
    const { member, onLooked } = this.options;
    try {
      if (!member.isOut) await member.alive();
      await member.reader.readAll();
      await this.expelSilent();
    } catch {
      // Who commits is told that the log is away. Nobody could be heard meanwhile.
      this.heardAtMs.clear();
    }
    if (!this.isStopped) onLooked();
  }

  private async expelSilent(): Promise<void> {
    const { clock, member } = this.options;
    const { order, log } = member.reader;
    const nowMs = clock.monotonicMs();
    const names = order.memberNames;
    for (const name of this.heardAtMs.keys())
      if (!names.includes(name)) this.heardAtMs.delete(name);
    for (const name of names) {
      if (name === member.name) continue;
      const heardAtMs = this.heardAtMs.get(name);
      if (heardAtMs === undefined) this.heardAtMs.set(name, nowMs);
      else if (nowMs - heardAtMs > silenceMsMax)
        await log.append({ kind: "expel", member: name }, clock.nowMs());
    }
  }
}
