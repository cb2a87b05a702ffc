/** Keeps a service running on the simulated machine: starts it again when it died, mends what an operator would. */

import { CodedError } from "../model/errors.ts";
import type { HistorySettings, SemanticSettings } from "./history.ts";
import type { Host } from "./service-under-test.ts";
import { SimulatedService } from "./simulated-service.ts";
import type { Machine, Mortal } from "./world/machine.ts";
import { DeviceError, SimulatedProcess } from "./world/process.ts";
import { stackOf } from "./world/stack-of.ts";

export class Supervisor implements Host {
  /**
   * The first thing that must not happen: a service that halts, can't start, or finds wrong counts, on data that nobody
   * damaged.
   */
  failure: string | undefined;
  /** The service that is ready. */
  service: SimulatedService | undefined;
  starts = 0;
  private readonly machine: Machine;
  private readonly settings: HistorySettings;
  semantic: SemanticSettings;
  private process: SimulatedProcess | undefined;

  constructor(machine: Machine, settings: HistorySettings) {
    this.machine = machine;
    this.settings = settings;
    this.semantic = settings.semantic;
    machine.onDeath = (process) => this.restart(process);
  }

  get steadyService(): SimulatedService | undefined {
    return this.service;
  }

  /** It is still once it takes nothing more. */
  rest(): void {}

  start(): void {
    this.starts++;
    const process = new SimulatedProcess(this.machine);
    this.process = process;
    this.machine.note("start");
    const { settings, semantic } = this;
    const failed = (): void => this.machine.die(process);
    const mismatched = (error: Error): void => this.fail(`the self-audit finds: ${error.message}`);
    SimulatedService.start({ process, settings, semantic, failed, mismatched }).then(
      (service) => {
        if (!process.alive) return;
        this.machine.note("ready");
        this.machine.settle();
        this.service = service;
        service.engine.stopped.catch((error: unknown) => this.halted(process, error));
      },
      (error: unknown) => this.halted(process, error),
    );
  }

  /** In good order, then anew with these settings. Does nothing where the service is not up. */
  async restartWith(semantic: SemanticSettings): Promise<void> {
    const { service } = this;
    if (!service) return;
    this.service = undefined;
    this.semantic = semantic;
    await this.machine.dieStopped(service.process, service.stop());
  }

  private halted(process: SimulatedProcess, error: unknown): void {
    if (!process.alive) return;
    this.machine.note(`halted: ${String(error)}`);
    const isCorrupt = error instanceof CodedError && error.code === "data_corrupt";
    const isMended = isCorrupt && this.machine.mend();
    if (isCorrupt && !isMended) this.fail(`halted on data that nobody damaged: ${String(error)}`);
    const isExpected = error instanceof CodedError || error instanceof DeviceError;
    if (!isExpected) this.fail(`halted by a bug: ${stackOf(error)}`);
    this.machine.die(process);
  }

  private fail(what: string): void {
    this.failure ??= what;
  }

  private restart(process: Mortal): void {
    if (process !== this.process) return;
    this.machine.note("dead");
    this.service = undefined;
    this.machine.time.after(this.machine.drawSpanMs("down") / 6, () => this.start());
  }
}
