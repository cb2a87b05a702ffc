import type { Engine } from "../engine/engine.ts";
import type { Ingest } from "../ingest/accept.ts";
import type { Health } from "../model/health.ts";
import type { SimulatedReader } from "./store/simulated-reader.ts";

/** What clients ask and judges look into, whatever it runs on. */
export interface ServiceUnderTest {
  readonly ingest: Ingest;
  readonly engine: Pick<Engine, "query">;
  readonly store: SimulatedReader;
  /** As it was told last. */
  readonly health: () => Health;
  /** Whether all that the log holds is committed, and told. */
  readonly isCaughtUp: boolean;
  /** Takes nothing more in, and appends no ticks; resolves when what was on its way is through. */
  stopTaking(): Promise<void>;
}

/** What keeps services running on a simulated machine. */
export interface Host {
  /** The first thing that must not have happened. */
  readonly failure: string | undefined;
  /** One that is ready. */
  readonly service: ServiceUnderTest | undefined;
  /** The same as before, as long as it is ready. */
  readonly steadyService: ServiceUnderTest | undefined;
  readonly starts: number;
  start(): void;
  /** What starts from here on appends nothing by itself. */
  rest(): void;
}
