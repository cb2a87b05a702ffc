import type { MessagePort } from "node:worker_threads";
import type { Settings } from "../config.ts";
import type { SemanticConfig } from "../model/semantic-config.ts";

/** What the ingest thread is started with. */
export interface IngestThreadData {
  readonly settings: Settings;
  /** Of the embedded queue, or beside which it is written down which other one it is; absent where nothing is kept here. */
  readonly queuePath?: string;
  /** To the engine thread: it is told of appends here and asks for trims. Absent where another process counts. */
  readonly enginePort?: MessagePort;
}

/** What the engine thread is started with. */
export interface EngineThreadData {
  readonly settings: Settings;
  readonly queuePath: string;
  readonly storePath: string;
  readonly databasePath: string;
  readonly secret: Uint8Array;
  readonly placeholderConfig: SemanticConfig;
  /** To the ingest thread. */
  readonly ingestPort: MessagePort;
}

/** What the query thread is started with. */
export interface QueryThreadData {
  readonly settings: Settings;
  readonly placeholderConfig: SemanticConfig;
}
