/** One of several processes over a topic and a database: the real ingest, order, engine and settings, put together as the roles do it. */

import { AuditMismatch } from "../../audit/audit-mismatch.ts";
import { pause } from "../../clock/clock.ts";
import type { ConfigFile } from "../../config/config-log.ts";
import { appendConfig, planConfig } from "../../config/config-log.ts";
import type { Engine } from "../../engine/engine.ts";
import { openSharedEngine } from "../../engine/shared-engine.ts";
import type { Ingest } from "../../ingest/accept.ts";
import { CodedError } from "../../model/errors.ts";
import type { Health } from "../../model/health.ts";
import { soundHealth } from "../../model/health.ts";
import { OrderLogs } from "../../order/order-log.ts";
import { announced } from "../../queue/announced-queue.ts";
import { shareDatabase } from "../../store/ordered/share-database.ts";
import type { SharedStore } from "../../store/shared-store.ts";
import { engineSettings, hasReached, ingestOver, maxFutureMs, secret } from "../common-settings.ts";
import type { HistorySettings } from "../history.ts";
import type { ServiceUnderTest } from "../service-under-test.ts";
import type { SimulatedProcess } from "../world/process.ts";
import type { SimulatedFollowedStore } from "./followed-store.ts";
import { SimulatedDatabase } from "./simulated-database.ts";
import type { SimulatedTables } from "./simulated-tables.ts";
import type { SimulatedTopic } from "./simulated-topic.ts";
import { clickSteps, orderSteps, TopicClient } from "./simulated-topic.ts";

/** What the processes share. */
export interface Servers {
  readonly clicks: SimulatedTopic;
  readonly order: SimulatedTopic;
  readonly tables: SimulatedTables;
}

export interface NodeOptions extends Servers {
  readonly process: SimulatedProcess;
  readonly instance: string;
  readonly settings: HistorySettings;
  /** Told of what the service finds wrong with its own numbers. */
  readonly mismatched: (mismatch: AuditMismatch) => void;
}

/** Between the tries of a start. */
const againMs = 1_000;
const settingsName = "settings";

export class SharedNode implements ServiceUnderTest {
  readonly ingest: Ingest;
  readonly engine: Engine;
  readonly health: () => Health;
  private readonly database: SimulatedDatabase;
  private readonly clicks: SimulatedTopic;
  private readonly tickOptions: Parameters<Ingest["ticks"]>[0];

  private constructor(
    ingest: Ingest,
    engine: Engine,
    health: () => Health,
    database: SimulatedDatabase,
    clicks: SimulatedTopic,
    tickOptions: Parameters<Ingest["ticks"]>[0],
  ) {
    this.ingest = ingest;
    this.engine = engine;
    this.health = health;
    this.database = database;
    this.clicks = clicks;
    this.tickOptions = tickOptions;
  }

  /** Resolves when it is ready; never settles where the process dies meanwhile. */
  static async start(options: NodeOptions): Promise<SharedNode> {
    const { process, settings, instance, clicks, order, tables, mismatched } = options;
    const { machine, clock } = process;
    const { semantic } = settings;
    const topic = (): TopicClient => new TopicClient(clicks, process, clickSteps);
    const log = announced(topic(), {
      appended: (partition) => engine.notify(partition),
      failed: () => {},
    });
    const ingest = ingestOver(log, clock, semantic.dimensions);
    const orderLog = (): TopicClient => new TopicClient(order, process, orderSteps);
    const database = new SimulatedDatabase(tables, process);
    const onProblem = (what: string, error?: unknown): void => {
      machine.note(`${instance} ${what}: ${String(error)}`);
      if (error instanceof AuditMismatch) mismatched(error);
    };
    const untilThere = async <T>(open: () => Promise<T>): Promise<T> => {
      for (;;) {
        try {
          return await open();
        } catch (error) {
          if (!isAway(error)) throw error;
          onProblem("a start waits", error);
          await pause(clock, againMs, new AbortController().signal);
        }
      }
    };
    const share = (): Promise<SharedStore> =>
      shareDatabase(database, new OrderLogs(async () => orderLog(), orderLog()), clock, secret);
    const store = await untilThere(share);
    const file = settingsIn(store);
    const planned = await untilThere(() =>
      planConfig({
        file,
        settings: semantic,
        maxFutureMs,
        hasStore: false,
        now: () => clock.nowMs(),
      }),
    );
    let health = soundHealth;
    const engine: Engine = await untilThere(async () =>
      openSharedEngine({
        clock,
        instance,
        store,
        openQueue: async () => topic(),
        placeholderConfig: { ...semantic, generation: 0, fromMinute: 0 },
        limits: settings.commit,
        ...engineSettings,
        hotBytesMax: settings.hotBytesMax,
        trim: async (progress) => {
          for (const { partition, nextOffset } of progress) await log.trim(partition, nextOffset);
        },
        queueBytes: () => log.sizeBytes(),
        onCommitted: () => {},
        onDedupFull: () => {},
        onHealth: (told) => {
          health = told;
        },
        onProblem,
      }),
    );
    await untilThere(() => appendConfig(file, planned, (control) => ingest.appendControl(control)));
    return new SharedNode(ingest, engine, () => health, database, clicks, {
      idleLagMs: semantic.idleLagMs,
      everyMs: settings.tickEveryMs,
      silent: async (timeMs) => (await engine.silent(timeMs))!,
    });
  }

  startTicks(): void {
    this.ingest.ticks(this.tickOptions);
  }

  get store(): SimulatedFollowedStore {
    return this.database.followed!;
  }

  get isCaughtUp(): boolean {
    return hasReached(this.store.progress, this.clicks.index.ends);
  }

  async stopTaking(): Promise<void> {
    await this.ingest[Symbol.asyncDispose]();
  }

  /** Stops it in good order. */
  async stop(): Promise<void> {
    await this.engine[Symbol.asyncDispose]();
    await this.ingest[Symbol.asyncDispose]();
  }
}

function isAway(error: unknown): boolean {
  return (
    error instanceof CodedError &&
    (error.code === "store_unavailable" || error.code === "queue_unavailable")
  );
}

/** The record of the settings, beside the order of commits. */
function settingsIn(store: SharedStore): ConfigFile {
  return {
    path: settingsName,
    async read() {
      const { revision, text } = await store.readNote(settingsName);
      return revision === 0 ? undefined : text;
    },
    async write(text) {
      const { revision } = await store.readNote(settingsName);
      const written = await store.writeNote(settingsName, { revision: revision + 1, text });
      if (written.text !== text)
        throw new CodedError("queue_unavailable", "another has written the settings meanwhile");
    },
  };
}
