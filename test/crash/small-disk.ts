/** A disk that is small, or can't be written: a mounted image, as near to a real one as a test gets. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  closeSync,
  fsyncSync,
  openSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { temporaryDirectory } from "../support/temporary-directory.ts";

export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  readonly kind: "ext4" | "tmpfs";
  /** Takes all that is left, to the last block. */
  fill(): void;
  /** Gives back what `fill` took. */
  free(): void;
  setReadOnly(isReadOnly: boolean): void;
}

/** An ext4 in an image where loop devices are there, else a tmpfs. Rejects where nothing can be mounted. */
export async function mountSmallDisk(megabytes: number): Promise<SmallDisk> {
  const directory = await temporaryDirectory();
  const path = join(directory.path, "disk");
  const image = join(directory.path, "image");
  const ballast = join(path, "ballast");
  await mkdir(path);
  const kind = mountImage(image, path, megabytes) ? "ext4" : "tmpfs";
  if (kind === "tmpfs") mount(["-t", "tmpfs", "-o", `size=${megabytes}m`, "none", path]);
  return {
    path,
    kind,
    fill: () => writeUntilFull(ballast),
    free: () => rmSync(ballast, { force: true }),
    setReadOnly: (isReadOnly) => mount(["-o", `remount,${isReadOnly ? "ro" : "rw"}`, path]),
    async [Symbol.asyncDispose]() {
      execFileSync("umount", [path]);
      await directory[Symbol.asyncDispose]();
    },
  };
}

/**
 * Runs `use` on a disk of its own. Without the right to mount it is left out, in one line that says so; where every
 * suite is required (CI) that is a failure.
 */
export async function onSmallDisk(
  context: TestContext,
  megabytes: number,
  use: (disk: SmallDisk) => Promise<void>,
): Promise<void> {
  let mounted: SmallDisk;
  try {
    mounted = await mountSmallDisk(megabytes);
  } catch (error) {
    const [why] = String(error).split("\n");
    const what = `no small disk can be mounted, which takes root (${why})`;
    assert.notEqual(process.env["TEST_REQUIRED"], "1", what);
    context.diagnostic(`not tried: ${what}`);
    return;
  }
  await using disk = mounted;
  await use(disk);
}

function mountImage(image: string, path: string, megabytes: number): boolean {
  try {
    closeSync(openSync(image, "w"));
    truncateSync(image, megabytes << 20);
    execFileSync("mkfs.ext4", ["-q", "-F", "-m", "0", image], { stdio: "pipe" });
    mount(["-o", "loop", image, path]);
    return true;
  } catch {
    return false;
  }
}

function mount(args: readonly string[]): void {
  execFileSync("mount", args, { stdio: "pipe" });
}

/** A running service gives blocks back at times, as does the disk what it had set aside for a file more than it took. */
const fillPassesMax = 100;

function writeUntilFull(path: string): void {
  const file = openSync(path, "w");
  try {
    for (let pass = 0; pass < fillPassesMax; pass++) {
      // What a large write does not find room for, smaller ones do.
      for (const size of [1 << 20, 1 << 16, 1 << 12, 1 << 9]) {
        const zeros = Buffer.alloc(size);
        while (wroteSome(file, zeros));
      }
      fsyncSync(file);
      if (statfsSync(path).bavail === 0) return;
    }
    assert.fail(`${statfsSync(path).bavail} blocks are free after ${fillPassesMax} passes`);
  } finally {
    closeSync(file);
  }
}

function wroteSome(file: number, bytes: Buffer): boolean {
  try {
    writeSync(file, bytes);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    return false;
  }
}
