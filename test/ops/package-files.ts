/** The npm package, made as for a release, and npm, which installs it. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, readdir, symlink } from "node:fs/promises";
import { basename, delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { opsDirectory } from "./rules.ts";

const root = dirname(opsDirectory);
/** What a release is not made of. */
const leftOut = new Set([".git", "node_modules", "dist", "test", "bench", "data"]);

export interface PackedFile {
  readonly path: string;
  readonly size: number;
}

export interface Packed {
  readonly tarball: string;
  /** Bytes of the tarball, and of what is in it. */
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly PackedFile[];
}

/** What a program said, one that was content. */
export interface Said {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of this Node's npm, or of the one given, in the directory; rejects where it is not content. */
export async function run(
  directory: string,
  [program, ...args]: readonly [string, ...string[]],
  node: string = process.execPath,
): Promise<Said> {
  return await promisify(execFile)(program, args, {
    cwd: directory,
    maxBuffer: 64 << 20,
    env: { ...outerEnvironment(), PATH: `${dirname(node)}${delimiter}${process.env["PATH"]}` },
  });
}

const inner = /^(?:npm_|CLICKTALLY_|NODE_(?:ENV|OPTIONS|TEST_CONTEXT|COMPILE_CACHE)$)/i;

/** Without the variables by which an npm that runs this test would speak to the one that it runs. */
function outerEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !inner.test(name)));
}

/** Packs a copy of this checkout: others may be reading its dist, and what is built must be all there is. */
export async function pack(directory: string): Promise<Packed> {
  const checkout = join(directory, "checkout");
  for (const name of await readdir(root)) {
    if (leftOut.has(name)) continue;
    await cp(join(root, name), join(checkout, name), { recursive: true });
  }
  await symlink(join(root, "node_modules"), join(checkout, "node_modules"));
  const said = await run(checkout, ["npm", "pack", "--json", "--pack-destination", directory]);
  const [packed] = JSON.parse(said.stdout.slice(said.stdout.indexOf("[\n"))) as (Omit<
    Packed,
    "tarball"
  > & { readonly filename: string })[];
  assert.ok(packed, said.stdout);
  return { ...packed, tarball: join(directory, basename(packed.filename)) };
}
