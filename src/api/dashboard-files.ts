/** The files of the built dashboard, in memory: each as it is and in the encodings that the build has made of it. */

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";

/** By the path from the dashboard's root, `index.html`, `assets/…`. */
export type DashboardFiles = ReadonlyMap<string, DashboardFile>;

export interface DashboardFile {
  readonly contentType: string;
  /** Its name has a hash of its content: whoever has it has it for ever. */
  readonly isImmutable: boolean;
  /** The one that is sent most gladly first. */
  readonly forms: readonly FileForm[];
}

export interface FileForm {
  readonly encoding: "br" | "gzip" | "identity";
  readonly body: Buffer;
  /** Strong. */
  readonly etag: string;
}

/** Of all files together; beyond it something else than a dashboard lies there. */
const bytesMax = 8 << 20;

const contentTypes: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

const encodings = [
  ["br", ".br"],
  ["gzip", ".gz"],
  ["identity", ""],
] as const;

/** Undefined where none is built there. */
export function readDashboard(directory: string): DashboardFiles | undefined {
  if (!existsSync(join(directory, "index.html"))) return undefined;
  const paths = readdirSync(directory, { recursive: true, encoding: "utf8" });
  const files = new Map<string, DashboardFile>();
  let bytes = 0;
  for (const path of paths) {
    const contentType = contentTypes[extname(path)];
    if (contentType === undefined) continue;
    const forms = encodings.flatMap(([encoding, ending]): FileForm[] => {
      const formPath = join(directory, path + ending);
      if (!existsSync(formPath)) return [];
      const body = readFileSync(formPath);
      bytes += body.length;
      return [{ encoding, body, etag: etagOf(body) }];
    });
    files.set(path, { contentType, isImmutable: path.startsWith("assets/"), forms });
  }
  if (bytes > bytesMax) throw new Error(`${directory} holds ${bytes} bytes, and no dashboard does`);
  return files;
}

function etagOf(body: Buffer): string {
  return `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
}
