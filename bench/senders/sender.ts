/** How clicks get into a server. The generator and the probe of freshness go the same way. */
import type { WorkloadClick } from "../workload.ts";

export type Target =
  /** NDJSON bodies by POST. */
  | { readonly kind: "http"; readonly url: string }
  /** COPY and upsert, see peers/postgresql.ts. */
  | { readonly kind: "postgresql"; readonly port: number }
  /** SET NX and HINCRBY, see peers/redis.ts. */
  | { readonly kind: "redis"; readonly port: number };

/** Bodies are encoded before a run, so that what is measured is the server. */
export interface Sender<Body> {
  encode(clicks: readonly WorkloadClick[]): Body;
  connect(): Promise<Connection<Body>>;
  /** Ends what the connections leave open. */
  close(): Promise<void>;
}

export interface Connection<Body> {
  /** Resolves once the body is acknowledged; with false where the server is busy. */
  send(body: Body): Promise<boolean>;
}
