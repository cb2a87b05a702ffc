/**
 * The file of the keys:
 *
 *   {"version": 1, "keys": [{"name": "web", "sha256": "…64 hex digits…", "scopes": ["ingest"],
 *                            "created_at": "2026-11-27T10:00:00.000Z", "expires_at": "…" or absent}]}
 */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as timeout } from "node:timers/promises";
import { makeDirectory, writeFileDurably } from "../files/durable-file.ts";
import { lockFile } from "../files/file-lock.ts";
import { CodedError } from "../model/errors.ts";
import type { ApiKey } from "./api-key.ts";
import { isKeyName } from "./api-key.ts";
import { parseScopes } from "./scopes.ts";

const formatVersion = 1;
/** Every request is compared with each. */
const keysMax = 1_000;
const directoryMode = 0o700;
const lockMsMax = 10_000;
const lockRetryMs = 20;

/** Throws an Error that says what is wrong with the text; a key that is wrong makes all of it wrong. */
export function parseKeys(text: string): readonly ApiKey[] {
  const content: unknown = JSON.parse(text);
  if (!isMap(content) || !Number.isInteger(content["version"]))
    throw new Error("it has no version");
  const { version, keys } = content;
  if (version !== formatVersion)
    throw new Error(`it has format ${String(version)}, this release knows ${formatVersion}`);
  if (!Array.isArray(keys) || keys.length > keysMax)
    throw new Error(`keys is no list of at most ${keysMax}`);
  const parsed = keys.map((entry: unknown, index) => {
    const key = parseKey(entry);
    if (!key) throw new Error(`keys[${index}] is not right`);
    return key;
  });
  const names = new Set(parsed.map(({ name }) => name));
  if (names.size < parsed.length) throw new Error("two keys have one name");
  return parsed;
}

function parseKey(entry: unknown): ApiKey | undefined {
  if (!isMap(entry)) return undefined;
  const { name, sha256, scopes: scopeNames, created_at: createdAt, expires_at: expiresAt } = entry;
  const held = Array.isArray(scopeNames) ? parseScopes(scopeNames) : undefined;
  const createdAtMs = timeOf(createdAt);
  const expiresAtMs = timeOf(expiresAt);
  if (!isKeyName(name) || !held || createdAtMs === undefined) return undefined;
  if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) return undefined;
  // A key that was to end must not become one that does not.
  if (expiresAt !== undefined && expiresAtMs === undefined) return undefined;
  const digest = Buffer.from(sha256, "hex");
  const end = expiresAtMs === undefined ? {} : { expiresAtMs };
  return { name, digest, scopes: held, createdAtMs, ...end };
}

function formatKeys(keys: readonly ApiKey[]): string {
  const entries = keys.map(({ name, digest, scopes: held, createdAtMs, expiresAtMs }) => ({
    name,
    sha256: digest.toString("hex"),
    scopes: held,
    created_at: new Date(createdAtMs).toISOString(),
    ...(expiresAtMs !== undefined && { expires_at: new Date(expiresAtMs).toISOString() }),
  }));
  return `${JSON.stringify({ version: formatVersion, keys: entries }, undefined, 2)}\n`;
}

/** Undefined where there is no file. CodedError `invalid_configuration` where it can't be read or is not right. */
export async function readKeys(path: string): Promise<readonly ApiKey[] | undefined> {
  if (!existsSync(path)) return undefined;
  try {
    return parseKeys(await readFile(path, "utf8"));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CodedError("invalid_configuration", `the keys file ${path} can't be used: ${why}`, {
      field: "auth.keys_file",
      cause,
    });
  }
}

/**
 * Changes the file, one process after another; made where it is missing, and whole at every moment. Resolves with what
 * `change` has left. Where that is what it was given, nothing is written.
 */
export async function changeKeys(
  path: string,
  change: (keys: readonly ApiKey[] | undefined) => readonly ApiKey[] | undefined,
): Promise<void> {
  await makeDirectory(dirname(path), directoryMode);
  const lock = await lockSoon(`${path}.lock`);
  try {
    const before = await readKeys(path);
    const after = change(before);
    if (after === before || after === undefined) return;
    if (after.length > keysMax)
      throw new CodedError("invalid_parameter", `there may be at most ${keysMax} keys`);
    await writeFileDurably(path, formatKeys(after));
  } finally {
    lock[Symbol.dispose]();
  }
}

async function lockSoon(path: string): Promise<Disposable> {
  const endMs = performance.now() + lockMsMax;
  for (;;) {
    const lock = lockFile(path);
    if (lock) return lock;
    if (performance.now() > endMs) throw new Error(`another process holds ${path}`);
    await timeout(lockRetryMs);
  }
}

function timeOf(text: unknown): number | undefined {
  const timeMs = typeof text === "string" ? Date.parse(text) : Number.NaN;
  return Number.isNaN(timeMs) ? undefined : timeMs;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
