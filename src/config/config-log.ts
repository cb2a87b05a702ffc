/**
 * Brings changes of the semantic settings into the log. What was appended last is kept in config.json of the data
 * directory; a crash between the two is met by appending again, which the log's readers take once by its generation.
 */

import { isDeepStrictEqual } from "node:util";
import { clickTimestampMsEnd } from "../model/click.ts";
import { isProtecting } from "../model/dimensions.ts";
import { CodedError } from "../model/errors.ts";
import type { Control } from "../model/log-record.ts";
import type { SemanticConfig } from "../model/semantic-config.ts";
import { dayMs, minuteOf } from "../model/time.ts";

const formatVersion = 1;
/** More than any release has allowed. */
const maxFutureMsMax = dayMs;

/** What config.json holds. */
export interface LoggedConfig {
  readonly version: number;
  readonly config: SemanticConfig;
  /** False between the decision and the append. */
  readonly appended: boolean;
  /** The largest max_future that clicks have been taken in under. */
  readonly maxFutureMs: number;
}

/** Where config.json lies. */
export interface ConfigFile {
  /** For errors. */
  readonly path: string;
  /** Undefined where there is none. */
  read(): Promise<string | undefined>;
  /** Leaves the old content or all of the new, and is durable once it has resolved. */
  write(content: string): Promise<void>;
}

type SemanticSettings = Omit<SemanticConfig, "generation" | "fromMinute" | "keyedIdsFromMinute">;

export interface ConfigLogOptions {
  readonly file: ConfigFile;
  readonly settings: SemanticSettings;
  readonly maxFutureMs: number;
  /** Whether the data directory holds a store: then it must hold a config.json too. */
  readonly hasStore: boolean;
  /** Current time, epoch ms. */
  readonly now: () => number;
}

/**
 * Decides on the generation that the settings get: a new one where they differ from the last. It takes effect at a
 * minute that no click received so far can reach. The decision is durable before it is acted on. One that an
 * earlier process did not bring into the log may be passed over: nothing has been received under it.
 *
 * Rejects with `data_corrupt` where config.json is missing or damaged, `data_format_newer` where a newer release
 * wrote it; nothing is changed then.
 */
export async function planConfig(options: ConfigLogOptions): Promise<LoggedConfig> {
  const { file, settings, now } = options;
  const last = await readLogged(file, options.hasStore);
  const maxFutureMs = Math.max(options.maxFutureMs, last?.maxFutureMs ?? 0);
  const {
    generation = 0,
    fromMinute = 0,
    keyedIdsFromMinute,
    ...lastSettings
  } = last?.config ?? {};
  if (last && isDeepStrictEqual(lastSettings, { ...settings })) {
    return maxFutureMs === last.maxFutureMs ? last : await write(file, { ...last, maxFutureMs });
  }
  const nextMinute = last ? Math.max(minuteOf(now() + maxFutureMs) + 2, fromMinute + 1) : 0;
  // A click that is sent again has the minute that it had, and so the id.
  const keyedFrom =
    keyedIdsFromMinute ?? (isProtecting(settings.dimensions) ? nextMinute : undefined);
  const config: SemanticConfig = {
    ...settings,
    generation: generation + 1,
    fromMinute: nextMinute,
    ...(keyedFrom !== undefined && { keyedIdsFromMinute: keyedFrom }),
  };
  return await write(file, { version: formatVersion, config, appended: false, maxFutureMs });
}

/** Appends what is planned unless that is known to be done; safe to repeat. */
export async function appendConfig(
  file: ConfigFile,
  planned: LoggedConfig,
  append: (control: Control) => Promise<unknown>,
): Promise<void> {
  if (planned.appended) return;
  await append({ type: "config", config: planned.config });
  await write(file, { ...planned, appended: true });
}

/** Undefined where there is none. Rejects as planConfig does. */
export async function readLogged(
  { path, read }: ConfigFile,
  hasStore: boolean,
): Promise<LoggedConfig | undefined> {
  const content = await read();
  if (content === undefined) {
    // Begun anew, generations would start over, and the log's readers would pass all of them over.
    if (hasStore) throw corrupt(path, "is missing beside a store");
    return undefined;
  }
  let logged: unknown;
  try {
    logged = JSON.parse(content);
  } catch (cause) {
    throw corrupt(path, "is not JSON", cause);
  }
  const { version } = (logged ?? {}) as Partial<LoggedConfig>;
  if (isWhole(version, formatVersion + 1)) {
    throw new CodedError(
      "data_format_newer",
      `${path} has format ${version}, this release knows up to ${formatVersion}: use a newer release`,
      { field: "data_dir", details: { path, found: version, known: formatVersion } },
    );
  }
  if (version !== formatVersion || !isLogged(logged as Partial<LoggedConfig>))
    throw corrupt(path, "holds no settings");
  return logged as LoggedConfig;
}

/** Generations and minutes are counted on from, so that a wrong one would never be noticed again. */
function isLogged({ config, appended, maxFutureMs }: Partial<LoggedConfig>): boolean {
  return (
    isWhole(config?.generation, 1) &&
    isWhole(config?.fromMinute, 0, minuteOf(clickTimestampMsEnd)) &&
    isWhole(config?.keyedIdsFromMinute ?? 0, 0, config?.fromMinute) &&
    typeof appended === "boolean" &&
    isWhole(maxFutureMs, 0, maxFutureMsMax)
  );
}

function isWhole(value: unknown, least: number, most = Number.MAX_SAFE_INTEGER): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
}

function corrupt(path: string, what: string, cause?: unknown): CodedError {
  return new CodedError(
    "data_corrupt",
    `${path}, the record of the settings so far, ${what}: put it back from a backup`,
    { field: "data_dir", details: { path }, cause },
  );
}

async function write(file: ConfigFile, logged: LoggedConfig): Promise<LoggedConfig> {
  await file.write(`${JSON.stringify(logged, undefined, 2)}\n`);
  return logged;
}
