import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Sample } from "./figures.ts";
import type { RowName } from "./rows.ts";

export interface RowTask {
  readonly name: RowName;
  readonly quick: boolean;
  readonly rounds: number;
  readonly history: number;
}

/**
 * Runs a row in a process of its own with a directory of its own for everything temporary. However it ends (done, failed, out of
 * time, interrupted), no process of its group and nothing in the directory is left. Gives samples to `use` as they come, since what
 * was measured before a failure is good. Resolves with what went wrong.
 */
export async function runRow(
  task: RowTask,
  {
    deadlineSeconds,
    interrupted,
    use,
  }: {
    readonly deadlineSeconds: number;
    readonly interrupted: AbortSignal;
    readonly use: (sample: Sample) => void;
  },
): Promise<string | undefined> {
  const directory = mkdtempSync(join(tmpdir(), "clicktally-bench-"));
  // A server that runs as another user passes through.
  chmodSync(directory, 0o711);
  const path = fileURLToPath(new URL("./row-process.ts", import.meta.url));
  const child = spawn(process.execPath, [path, JSON.stringify(task)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    // Leader of a group, which its children are of.
    detached: true,
    env: { ...process.env, TMPDIR: directory },
  });
  let reason: string | undefined;
  const end = (why: string): void => {
    reason ??= why;
    killGroup(child.pid!);
  };
  const timer = setTimeout(
    () => end(`not done after ${deadlineSeconds} s`),
    deadlineSeconds * 1000,
  );
  const onInterrupt = (): void => end("interrupted");
  interrupted.addEventListener("abort", onInterrupt);
  child.on("message", (sample) => use(sample as Sample));
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.once("close", resolve).once("error", () => resolve(null));
  const code = await promise;
  clearTimeout(timer);
  interrupted.removeEventListener("abort", onInterrupt);
  killGroup(child.pid!);
  rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  return reason ?? (code === 0 ? undefined : `ended with ${code}`);
}

function killGroup(leader: number | undefined): void {
  // It was not even started.
  if (leader === undefined) return;
  try {
    process.kill(-leader, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
