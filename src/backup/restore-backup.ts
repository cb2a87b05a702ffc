/** Makes a data directory from a backup. */

import { existsSync } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { copyFileDurably } from "../files/copy-file.ts";
import { makeDirectory, syncDirectory } from "../files/durable-file.ts";
import { CodedError } from "../model/errors.ts";
import { listBackups } from "./backups.ts";
import type { Manifest, ManifestFile } from "./manifest.ts";
import { manifestName, parseManifest } from "./manifest.ts";
import { targetError } from "./target-directory.ts";

const directoryMode = 0o700;

export interface RestoreOptions {
  /** A backup, or a directory of backups: then the newest whole one. */
  readonly from: string;
  /** Made where it is missing; must be empty. */
  readonly to: string;
  /** `share` of the whole, 0 to 1. */
  readonly onProgress?: (share: number, bytes: number) => void;
}

export interface Restored {
  /** The backup that was taken. */
  readonly path: string;
  readonly manifest: Manifest;
}

/**
 * Copies a backup, synced. Rejects with `not_found` where there is none, `data_corrupt` by the name of a file that is not
 * as its manifest says, `already_exists` where the target holds anything; then the target is left as it was.
 */
export async function restoreBackup({ from, to, onProgress }: RestoreOptions): Promise<Restored> {
  const path = await findBackup(resolve(from));
  const manifestPath = join(path, manifestName);
  const manifest = parseManifest(await readFile(manifestPath, "utf8"), manifestPath);
  const target = resolve(to);
  const isNew = !existsSync(target);
  try {
    await makeDirectory(target, directoryMode);
    await checkEmpty(target);
  } catch (error) {
    throw targetError(error, "data_dir", target);
  }
  try {
    await copyFiles(path, target, manifest, onProgress);
  } catch (error) {
    for (const name of await readdir(target))
      await rm(join(target, name), { recursive: true, force: true });
    if (isNew) await rm(target, { recursive: true, force: true });
    throw targetError(error, "data_dir", target);
  }
  return { path, manifest };
}

async function findBackup(path: string): Promise<string> {
  if (existsSync(join(path, manifestName))) return path;
  const names = await listBackups(path).catch((cause: unknown) => {
    throw new CodedError("not_found", `${path} is no directory that can be read`, { cause });
  });
  const [newest] = names;
  if (newest !== undefined) return join(path, newest);
  throw new CodedError("not_found", `${path} is no backup and holds none: there is no manifest`);
}

async function checkEmpty(target: string): Promise<void> {
  const names = await readdir(target);
  if (names.length === 0) return;
  throw new CodedError(
    "already_exists",
    `the data directory ${target} is not empty (it has ${names[0]}): restore into a new one`,
    { field: "data_dir", details: { path: target } },
  );
}

async function copyFiles(
  from: string,
  to: string,
  { files }: Manifest,
  onProgress: RestoreOptions["onProgress"],
): Promise<void> {
  const whole = files.reduce((sum, { bytes }) => sum + bytes, 0) || 1;
  let before = 0;
  for (const file of files) {
    const path = join(to, file.path);
    await makeDirectory(dirname(path), directoryMode);
    const onFile = (bytes: number): void => onProgress?.((before + bytes) / whole, before + bytes);
    await copyChecked(join(from, file.path), path, file, onFile);
    await syncDirectory(dirname(path));
    before += file.bytes;
  }
}

async function copyChecked(
  from: string,
  to: string,
  { path, bytes, sha256 }: ManifestFile,
  onProgress: (bytes: number) => void,
): Promise<void> {
  if (!existsSync(from)) throw damaged(from, `${path} is missing`);
  const copied = await copyFileDurably(from, to, { onProgress });
  if (copied.bytes !== bytes)
    throw damaged(from, `${path} has ${copied.bytes} bytes instead of ${bytes}`);
  if (copied.sha256 !== sha256) throw damaged(from, `${path} does not match its SHA-256`);
}

function damaged(path: string, what: string): CodedError {
  return new CodedError(
    "data_corrupt",
    `the backup is damaged: ${what}. Nothing was restored; take another backup`,
    { details: { path } },
  );
}
