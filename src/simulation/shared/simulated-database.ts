import { CodedError } from "../../model/errors.ts";
import type { OrderSnapshot } from "../../order/order-reader.ts";
import type { FollowedStore } from "../../store/followed-store.ts";
import type {
  CountingStore,
  OpenCountingOptions,
  OpenFollowedOptions,
  OrderedDatabase,
} from "../../store/ordered/ordered-database.ts";
import type { Steps } from "../world/process.ts";
import { DeviceError } from "../world/process.ts";
import { SimulatedCountingStore } from "./counting-store.ts";
import { SimulatedFollowedStore } from "./followed-store.ts";
import type { SimulatedTables } from "./simulated-tables.ts";

/** The tables as a process reaches them. */
export class SimulatedDatabase implements OrderedDatabase {
  readonly name = "simulated";
  /** The one that queries of the process are answered from. */
  followed: SimulatedFollowedStore | undefined;
  private readonly tables: SimulatedTables;
  private readonly steps: Steps;

  constructor(tables: SimulatedTables, steps: Steps) {
    this.tables = tables;
    this.steps = translated(steps);
  }

  async readIds(): Promise<readonly string[]> {
    await this.steps.step("load");
    return [this.tables.id];
  }

  async readOrderSnapshot(): Promise<OrderSnapshot | undefined> {
    await this.steps.step("load");
    return structuredClone(this.tables.orderSnapshot);
  }

  async lastWritten(): Promise<number> {
    await this.steps.step("load");
    return this.tables.lastWritten;
  }

  async openCounting(options: OpenCountingOptions): Promise<CountingStore> {
    await this.steps.step("load");
    return new SimulatedCountingStore(this.tables, this.steps, options);
  }

  async openFollowed(options: OpenFollowedOptions): Promise<FollowedStore> {
    await this.steps.step("load");
    this.followed = new SimulatedFollowedStore(this.tables, this.steps, options);
    return this.followed;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function translated(steps: Steps): Steps {
  return {
    async step(step, effect) {
      try {
        await steps.step(step, effect);
      } catch (error) {
        if (!(error instanceof DeviceError)) throw error;
        throw new CodedError("store_unavailable", error.message, { cause: error });
      }
    },
  };
}
