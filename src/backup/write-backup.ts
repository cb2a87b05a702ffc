/**
 * Writes a backup of a data directory that a service has open: under another name first, synced, with a manifest as the
 * last of its files, and then renamed, so that what has the name of a backup is a whole one.
 *
 * What is older may be with what is newer, never the other way round: progress of imports before the queue that holds
 * their rows (a row that comes again is a duplicate), the store before the queue (engine/data-copies.ts), the settings
 * after both.
 */

import { createHash } from "node:crypto";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { copyFileDurably, digestOf } from "../files/copy-file.ts";
import type { FileDigest } from "../files/copy-file.ts";
import { makeDirectory, syncDirectory, writeFileDurably } from "../files/durable-file.ts";
import { CodedError } from "../model/errors.ts";
import { formatTime } from "../model/time.ts";
import type { BackupAnswer, BackupRequest, BackupService } from "./backup-service.ts";
import { backupName, keepNewest } from "./backups.ts";
import type { ManifestFile, ManifestPartition } from "./manifest.ts";
import { formatManifest, manifestName } from "./manifest.ts";
import { targetDirectory, targetError } from "./target-directory.ts";

const storeName = "store.duckdb";
const queueName = "queue.sqlite";
/** Vouches for the rest of a data directory, so it comes last where one is restored. */
const formatName = "format.json";

const directoryMode = 0o700;
const keepMax = 10_000;

export interface BackupParts {
  /** Absolute; open in this process. */
  readonly dataDirectory: string;
  readonly release: string;
  readonly nowMs: () => number;
  /** Copies store and queue to new files. */
  readonly copyData: (paths: DataPaths) => Promise<CopiedData>;
}

export interface DataPaths {
  readonly store: string;
  readonly queue: string;
}

export interface CopiedData {
  readonly asOf: number;
  /** Epoch ms; null where no click had come. */
  readonly watermarkMs: number | null;
  readonly store: FileDigest;
  readonly partitions: readonly ManifestPartition[];
}

export class BackupWriter implements BackupService {
  private readonly parts: BackupParts;
  private isRunning = false;

  constructor(parts: BackupParts) {
    this.parts = parts;
  }

  async backup({ dir, keep }: BackupRequest): Promise<BackupAnswer> {
    if (keep !== undefined && !(Number.isSafeInteger(keep) && keep >= 1 && keep <= keepMax)) {
      const what = `keep: ${keep} is not a whole number from 1 to ${keepMax}`;
      throw new CodedError("invalid_parameter", what, { field: "keep" });
    }
    const directory = await targetDirectory("dir", dir, this.parts.dataDirectory);
    if (this.isRunning)
      throw new CodedError("already_running", "a backup of this service is being written");
    this.isRunning = true;
    try {
      const answer = await this.write(directory);
      return { ...answer, deleted: keep === undefined ? [] : await keepNewest(directory, keep) };
    } catch (error) {
      throw targetError(error, "dir", directory);
    } finally {
      this.isRunning = false;
    }
  }

  private async write(directory: string): Promise<Omit<BackupAnswer, "deleted">> {
    await makeDirectory(directory, directoryMode);
    const partial = join(directory, this.partialName);
    // Left by a process that was killed: only this data directory's service has this name for it.
    await rm(partial, { recursive: true, force: true });
    try {
      await mkdir(partial, { mode: directoryMode });
      const written = await this.fill(partial);
      const path = join(directory, backupName(written.created_at, await readdir(directory)));
      await rename(partial, path);
      await syncDirectory(directory);
      return { path, ...written };
    } catch (error) {
      await rm(partial, { recursive: true, force: true }).catch(() => {});
      throw error;
    }
  }

  private async fill(partial: string): Promise<Omit<BackupAnswer, "deleted" | "path">> {
    const { copyData, nowMs, release } = this.parts;
    const createdAt = formatTime(nowMs());
    const imports = await this.copyImports(partial);
    const data = await copyData({
      store: join(partial, storeName),
      queue: join(partial, queueName),
    });
    const queue = await digestOf(join(partial, queueName));
    const files: ManifestFile[] = [
      await this.copyOwn("secret", partial),
      await this.copyOwn("config.json", partial),
      ...imports,
      { path: queueName, ...queue },
      { path: storeName, ...data.store },
      await this.copyOwn(formatName, partial),
    ];
    const watermark = data.watermarkMs === null ? null : formatTime(data.watermarkMs);
    const { asOf, partitions } = data;
    const described = { created_at: createdAt, as_of: asOf, watermark };
    const manifest = formatManifest({ release, ...described, partitions, files });
    await writeFileDurably(join(partial, manifestName), manifest);
    return { ...described, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  private async copyImports(partial: string): Promise<ManifestFile[]> {
    const names = await readdir(join(this.parts.dataDirectory, "imports"));
    await mkdir(join(partial, "imports"), { mode: directoryMode });
    const files: ManifestFile[] = [];
    for (const name of names.filter((other) => /^[0-9a-f]+\.json$/.test(other)).toSorted())
      files.push(await this.copyOwn(`imports/${name}`, partial));
    await syncDirectory(join(partial, "imports"));
    return files;
  }

  private async copyOwn(path: string, partial: string): Promise<ManifestFile> {
    const from = join(this.parts.dataDirectory, path);
    return { path, ...(await copyFileDurably(from, join(partial, path))) };
  }

  private get partialName(): string {
    const owner = `${hostname()}\n${this.parts.dataDirectory}`;
    return `.partial-${createHash("sha256").update(owner).digest("hex").slice(0, 16)}`;
  }
}
