/**
 * Brings changes of the semantic settings into the log. What was appended last is kept beside the queue; a
 * crash between the two is met by appending again, which the log's readers take once by its generation.
 */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { writeFileDurably } from "./files/durable-file.ts";
import type { IngestService } from "./ingest/ingest-service.ts";
import type { SemanticConfig } from "./model/semantic-config.ts";
import { minuteOf } from "./model/time.ts";

interface LoggedConfig {
  readonly config: SemanticConfig;
  readonly appended: boolean;
}

/**
 * Appends the settings as a new generation where they differ from the last; returns the one in the log. It takes
 * effect at a minute that no click received so far can reach: those are at most `maxFutureMs` ahead.
 */
export async function logConfig(
  path: string,
  settings: Omit<SemanticConfig, "generation" | "fromMinute">,
  maxFutureMs: number,
  ingest: IngestService,
): Promise<SemanticConfig> {
  const last = await readLogged(path);
  if (last && !last.appended) await append(path, last.config, ingest);
  const { generation = 0, fromMinute = 0, ...lastSettings } = last?.config ?? {};
  if (last && isDeepStrictEqual(lastSettings, { ...settings })) return last.config;
  const config: SemanticConfig = {
    ...settings,
    generation: generation + 1,
    fromMinute: last ? Math.max(minuteOf(Date.now() + maxFutureMs) + 2, fromMinute + 1) : 0,
  };
  await write(path, { config, appended: false });
  await append(path, config, ingest);
  return config;
}

async function append(path: string, config: SemanticConfig, ingest: IngestService): Promise<void> {
  await ingest.appendControl({ type: "config", config });
  await write(path, { config, appended: true });
}

async function readLogged(path: string): Promise<LoggedConfig | undefined> {
  if (!existsSync(path)) return undefined;
  return JSON.parse(await readFile(path, "utf8")) as LoggedConfig;
}

function write(path: string, logged: LoggedConfig): Promise<void> {
  return writeFileDurably(path, `${JSON.stringify(logged, undefined, 2)}\n`);
}
