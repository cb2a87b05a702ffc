/**
 * manifest.json, which makes a directory a backup: what it holds, with the size and the SHA-256 of each file. `check`
 * is over all that stands before it, so that a manifest which was changed vouches for nothing.
 */

import { createHash } from "node:crypto";
import { CodedError } from "../model/errors.ts";

export const manifestName = "manifest.json";
const formatVersion = 1;

export interface Manifest {
  readonly version: number;
  /** Of clicktally. */
  readonly release: string;
  /** RFC 3339. Every click that was acknowledged before is in the backup. */
  readonly created_at: string;
  /** The last commit of the store. */
  readonly as_of: number;
  /** Of that commit, RFC 3339; null where no click had come. */
  readonly watermark: string | null;
  readonly partitions: readonly ManifestPartition[];
  /** By path, in the order in which they are restored. */
  readonly files: readonly ManifestFile[];
}

export interface ManifestPartition {
  readonly partition: number;
  /** Where the store's copy goes on in the log, which is where the queue's begins. */
  readonly next_offset: number;
  /** The offset behind the last record that the queue's copy has. */
  readonly queue_end: number;
}

export interface ManifestFile {
  /** Within the backup, as in a data directory. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export function formatManifest(manifest: Omit<Manifest, "version">): string {
  const content = { version: formatVersion, ...manifest };
  return `${JSON.stringify({ ...content, check: checkOf(content) }, undefined, 2)}\n`;
}

/** `path`: for messages. Throws `data_corrupt` for what is no whole manifest, `data_format_newer`. */
export function parseManifest(text: string, path: string): Manifest {
  const { check, ...content } = readObject(text, path);
  const { version } = content;
  if (typeof version === "number" && version > formatVersion) {
    throw new CodedError(
      "data_format_newer",
      `${path} has format ${version}, this release knows up to ${formatVersion}: use a newer release`,
      { details: { path, found: version, known: formatVersion } },
    );
  }
  if (check !== checkOf(content)) throw damaged(path);
  const manifest = content as unknown as Manifest;
  // What is vouched for may still name files that lie elsewhere.
  if (manifest.files.some((file) => !isOwnPath(file.path))) throw damaged(path);
  return manifest;
}

function readObject(text: string, path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw damaged(path);
}

function checkOf(content: object): string {
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}

function isOwnPath(path: string): boolean {
  return /^(?:imports\/)?[\w-][\w.-]*$/.test(path);
}

function damaged(path: string): CodedError {
  return new CodedError("data_corrupt", `${path} is damaged: it vouches for no backup`, {
    details: { path },
  });
}
