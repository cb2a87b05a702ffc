import type { MessagePort } from "node:worker_threads";
import type { Settings } from "../config.ts";
import type { SemanticConfig } from "../model/semantic-config.ts";

/** What the ingest thread is started with. */
export interface IngestThreadData {
  readonly settings: Settings;
  readonly queuePath: string;
  /** To the engine thread: it is told of appends here and asks for trims. */
  readonly enginePort: MessagePort;
}

/** What the engine thread is started with. */
export interface EngineThreadData {
  readonly settings: Settings;
  readonly queuePath: string;
  readonly storePath: string;
  readonly databasePath: string;
  readonly secret: Uint8Array;
  readonly placeholderConfig: SemanticConfig;
  /** Of the settings in force: no newer ones can be in the store. */
  readonly configGeneration: number;
  /** To the ingest thread. */
  readonly ingestPort: MessagePort;
}
