/** Keeps several processes running over one topic and one database: starts each again when it died. */

import { CodedError } from "../../model/errors.ts";
import type { HistorySettings } from "../history.ts";
import type { Host } from "../service-under-test.ts";
import type { Machine, Mortal } from "../world/machine.ts";
import { fileNames } from "../world/file-names.ts";
import { SimulatedProcess } from "../world/process.ts";
import { stackOf } from "../world/stack-of.ts";
import type { Servers } from "./node.ts";
import { SharedNode } from "./node.ts";
import { SimulatedTables } from "./simulated-tables.ts";
import { SimulatedTopic } from "./simulated-topic.ts";

interface Seat {
  readonly instance: string;
  process?: SimulatedProcess;
  /** While it is ready. */
  node?: SharedNode | undefined;
}

export class Fleet implements Host {
  failure: string | undefined;
  starts = 0;
  private readonly machine: Machine;
  private readonly settings: HistorySettings;
  private readonly startsMs: readonly number[];
  private readonly servers: Servers;
  private readonly seats: readonly Seat[];
  private steady: SharedNode | undefined;
  private isResting = false;

  /** `startsMs`: of each process, when it is there for the first time. */
  constructor(machine: Machine, settings: HistorySettings, startsMs: readonly number[]) {
    this.machine = machine;
    this.settings = settings;
    this.startsMs = startsMs;
    const clock = (): number => machine.wallMs;
    const { disk } = machine;
    this.servers = {
      clicks: new SimulatedTopic(disk.file(fileNames.queue), settings, clock),
      order: new SimulatedTopic(
        disk.file(fileNames.order),
        { partitionCount: 1, spread: 1 },
        clock,
      ),
      tables: new SimulatedTables(),
    };
    this.seats = startsMs.map((_, i) => ({ instance: `process-${i + 1}` }));
    machine.onDeath = (process) => this.restart(process);
  }

  start(): void {
    for (const [i, seat] of this.seats.entries())
      this.machine.time.after(this.startsMs[i]!, () => this.startSeat(seat));
  }

  /** Any of those that are ready; at rest the first one, once all are. */
  get service(): SharedNode | undefined {
    const ready = this.seats.flatMap(({ node }) => (node ? [node] : []));
    if (this.isResting) return ready.length === this.seats.length ? ready[0] : undefined;
    return ready[Math.floor(this.machine.draw("which process") * ready.length)];
  }

  get steadyService(): SharedNode | undefined {
    const isReady = this.seats.some(({ node }) => node !== undefined && node === this.steady);
    if (!isReady) this.steady = this.service;
    return this.steady;
  }

  /** One of them, in good order. */
  async restartOne(): Promise<void> {
    const seat = this.seats[Math.floor(this.machine.draw("restarted") * this.seats.length)]!;
    const { node, process } = seat;
    if (!node || !process) return;
    seat.node = undefined;
    await this.machine.dieStopped(process, node.stop());
  }

  /** No ticks of anybody from here on, also of those that start yet. */
  rest(): void {
    this.isResting = true;
    for (const { node } of this.seats) void node?.stopTaking();
  }

  private startSeat(seat: Seat): void {
    this.starts++;
    const { machine, settings, servers } = this;
    const { instance } = seat;
    const process = new SimulatedProcess(machine);
    seat.process = process;
    machine.note(`${instance} starts`);
    const mismatched = (error: Error): void => this.fail(`the self-audit finds: ${error.message}`);
    SharedNode.start({ ...servers, process, instance, settings, mismatched }).then(
      (node) => {
        if (!process.alive) return;
        machine.note(`${instance} is ready`);
        seat.node = node;
        if (!this.isResting) node.startTicks();
        node.engine.stopped.catch((error: unknown) => this.halted(process, error));
      },
      (error: unknown) => this.halted(process, error),
    );
  }

  private halted(process: SimulatedProcess, error: unknown): void {
    if (!process.alive) return;
    this.machine.note(`halted: ${String(error)}`);
    const isExpected = error instanceof CodedError && error.code === "store_taken_over";
    if (!isExpected) this.fail(`halted: ${stackOf(error)}`);
    this.machine.die(process);
  }

  private fail(what: string): void {
    this.failure ??= what;
  }

  private restart(process: Mortal): void {
    const seat = this.seats.find((own) => own.process === process);
    if (!seat) return;
    this.machine.note(`${seat.instance} is dead`);
    seat.node = undefined;
    this.machine.time.after(this.machine.drawSpanMs("down") / 6, () => this.startSeat(seat));
  }
}
