/**
 * Which commits of several processes count, in which order, and who counts what: a fold over one log that all of them append
 * to and read alike. It takes no clock, no lease and no lock; whatever a process believes, the log decides.
 *
 * - A process *enters* under a name that nobody had before, and the partitions are divided anew. Whoever loses one has all
 *   void that it has not finished, for what was written together may rely on one another; and nothing counts that it still says
 *   of what it has lost.
 * - It *reserves* a sequence for each commit, writes the commit's rows under that sequence, and says that it is *done*: then
 *   the commit counts. So nothing is ever written twice under one sequence, and what is void may be there in part, or arrive
 *   late. Where the fate of an insert is not known it *abandons* what it has reserved, and reserves anew.
 * - It *leaves*; or who is not heard of any more is *expelled* by anybody, so that what it has reserved is not waited for.
 *
 * Commits are told in the order of their sequences, so that a number names one state of all partitions: one is told when all
 * before it are decided.
 */

import { assign } from "./assign.ts";
import type { CommitRange, EnterRecord, OrderRecord } from "./order-record.ts";

/** What became of a sequence. */
export interface Decision {
  readonly sequence: number;
  readonly range: CommitRange;
  readonly counts: boolean;
}

export interface Reservation {
  readonly sequence: number;
  readonly range: CommitRange;
}

/** `[first, last]` of sequences. */
export type SequenceRange = readonly [number, number];

export interface Note {
  readonly revision: number;
  readonly text: string;
}

interface Member {
  readonly instance: string;
  /** Oldest first. */
  reserved: Reservation[];
  nextNumber: number;
}

/** Everything, as JSON; see `CommitOrder.state`. */
export interface OrderState {
  readonly members: readonly (Member & { readonly name: string })[];
  readonly names: readonly string[];
  readonly owners: readonly (string | null)[];
  readonly terms: readonly number[];
  readonly ends: readonly number[];
  readonly untold: readonly (Decision | null)[];
  readonly nextSequence: number;
  readonly voids: readonly SequenceRange[];
  readonly notes: readonly (readonly [string, Note])[];
}

/** Names of the past that are known for sure: an entry may be appended twice, but not long after. */
const namesMax = 10_000;

export class CommitOrder {
  /** In the order of their entry. */
  private readonly members = new Map<string, Member>();
  private readonly names = new Set<string>();
  /** By partition. */
  private owners: (string | undefined)[] = [];
  /** How often the owner has changed, by partition. */
  private readonly terms: number[] = [];
  /** Offset behind the last commit that counts, by partition. */
  private readonly ends: number[] = [];
  /** Behind what was told, by sequence; undefined while open. */
  private readonly untold: (Decision | undefined)[] = [];
  private nextSequence = 1;
  private readonly voidRanges: SequenceRange[] = [];
  private readonly notes = new Map<string, Note>();

  /** Goes on from what an earlier one was. */
  static from(state: OrderState): CommitOrder {
    const order = new CommitOrder();
    for (const { name, ...member } of state.members)
      order.members.set(name, { ...member, reserved: [...member.reserved] });
    for (const name of state.names) order.names.add(name);
    order.owners = state.owners.map((owner) => owner ?? undefined);
    order.terms.push(...state.terms);
    order.ends.push(...state.ends);
    order.untold.push(...state.untold.map((decision) => decision ?? undefined));
    order.nextSequence = state.nextSequence;
    order.voidRanges.push(...state.voids);
    for (const [name, note] of state.notes) order.notes.set(name, note);
    return order;
  }

  get state(): OrderState {
    return structuredClone({
      members: [...this.members].map(([name, { instance, reserved, nextNumber }]) => ({
        name,
        instance,
        reserved,
        nextNumber,
      })),
      names: [...this.names],
      owners: this.owners.map((owner) => owner ?? null),
      terms: this.terms,
      ends: this.ends,
      untold: this.untold.map((decision) => decision ?? null),
      nextSequence: this.nextSequence,
      voids: this.voidRanges,
      notes: [...this.notes],
    });
  }

  /** The last sequence up to which all is decided. */
  get settledThrough(): number {
    return this.nextSequence - 1 - this.untold.length;
  }

  /** The last sequence that was ever reserved. */
  get reservedThrough(): number {
    return this.nextSequence - 1;
  }

  /** Decided not to count, ascending; also some that are not told yet. */
  get voids(): readonly SequenceRange[] {
    return this.voidRanges;
  }

  /** Who is not out, in the order of entry. */
  get memberNames(): string[] {
    return [...this.members.keys()];
  }

  /** What it has not finished, oldest first; undefined where it is out, or has not entered. */
  reservedBy(member: string): readonly Reservation[] | undefined {
    return this.members.get(member)?.reserved;
  }

  /** Of its own records; undefined where it is out, or has not entered. */
  nextNumberOf(member: string): number | undefined {
    return this.members.get(member)?.nextNumber;
  }

  /** What it has to count: partitions, ascending, with numbers that are others once it has lost them, even if it got them back. */
  termsOf(member: string): ReadonlyMap<number, number> {
    const own = [...this.owners.keys()].filter((partition) => this.owners[partition] === member);
    return new Map(own.map((partition) => [partition, this.terms[partition]!]));
  }

  /** Where the partition goes on. */
  endOf(partition: number): number {
    return this.ends[partition] ?? 0;
  }

  note(name: string): Note | undefined {
    return this.notes.get(name);
  }

  /** What is settled by the record, in the order of sequences. */
  apply(record: OrderRecord): Decision[] {
    if (record.kind === "enter") this.enter(record);
    else if (record.kind === "expel") this.remove(record.member);
    else if (record.kind === "note") this.takeNote(record.name, record);
    else {
      const member = this.members.get(record.member);
      if (member?.nextNumber !== record.number) return [];
      member.nextNumber++;
      if (record.kind === "reserve") this.reserve(record.member, member, record.ranges);
      else if (record.kind === "done") this.done(record.member, member, record.through);
      else if (record.kind === "abandon") this.giveUp(member);
      else if (record.kind === "leave") this.remove(record.member);
    }
    return this.takeSettled();
  }

  private enter({ member: name, instance, partitionCount }: EnterRecord): void {
    // Used once: who was expelled comes back under another.
    if (this.names.has(name)) return;
    this.names.add(name);
    if (this.names.size > namesMax) this.names.delete(this.names.values().next().value!);
    for (const [other, member] of this.members)
      if (member.instance === instance) {
        this.giveUp(member);
        this.members.delete(other);
      }
    this.members.set(name, { instance, reserved: [], nextNumber: 1 });
    while (this.owners.length < partitionCount) {
      this.owners.push(undefined);
      this.terms.push(0);
      this.ends.push(0);
    }
    this.divide();
  }

  private remove(name: string): void {
    const member = this.members.get(name);
    if (!member) return;
    this.giveUp(member);
    this.members.delete(name);
    this.divide();
  }

  /** What goes together may rely on one another: who loses a partition has all void that it has not finished. */
  private divide(): void {
    const before = this.owners;
    this.owners = assign(before, this.memberNames);
    for (const [partition, owner] of before.entries()) {
      if (owner === this.owners[partition]) continue;
      this.terms[partition]!++;
      const member = owner === undefined ? undefined : this.members.get(owner);
      if (member) this.giveUp(member);
    }
  }

  private reserve(name: string, { reserved }: Member, ranges: readonly CommitRange[]): void {
    for (const range of ranges) {
      // It has not heard that it has lost the partition.
      if (this.owners[range.partition] !== name) continue;
      reserved.push({ sequence: this.nextSequence++, range });
      this.untold.push(undefined);
    }
  }

  private done(name: string, member: Member, through: number): void {
    for (const reservation of member.reserved.filter(({ sequence }) => sequence <= through)) {
      const { partition, fromOffset, nextOffset } = reservation.range;
      if (this.endOf(partition) !== fromOffset) {
        // It has not folded what counts: nothing of it can be relied on.
        this.remove(name);
        return;
      }
      this.ends[partition] = nextOffset;
      member.reserved = member.reserved.filter((other) => other !== reservation);
      this.decide(reservation, true);
    }
  }

  private giveUp(member: Member): void {
    for (const reservation of member.reserved.splice(0)) {
      this.decide(reservation, false);
      this.addVoid(reservation.sequence);
    }
  }

  private decide({ sequence, range }: Reservation, counts: boolean): void {
    this.untold[sequence - 1 - this.settledThrough] = { sequence, range, counts };
  }

  private addVoid(sequence: number): void {
    const { voidRanges } = this;
    let at = voidRanges.length;
    while (at > 0 && voidRanges[at - 1]![0] > sequence) at--;
    const before = voidRanges[at - 1];
    const after = voidRanges[at];
    const first = before?.[1] === sequence - 1 ? before[0] : sequence;
    const last = after?.[0] === sequence + 1 ? after[1] : sequence;
    const from = first === sequence ? at : at - 1;
    voidRanges.splice(from, (last === sequence ? at : at + 1) - from, [first, last]);
  }

  private takeNote(name: string, { revision, text }: Note): void {
    if (revision === (this.notes.get(name)?.revision ?? 0) + 1)
      this.notes.set(name, { revision, text });
  }

  private takeSettled(): Decision[] {
    const open = this.untold.indexOf(undefined);
    return this.untold.splice(0, open === -1 ? this.untold.length : open) as Decision[];
  }
}
