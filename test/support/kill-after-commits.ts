import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

interface Life {
  /** More than the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Runs while the process lives, after its first commit. */
  readonly meanwhile?: () => Promise<void>;
}

/** Runs commit-until-killed.ts for so many commits, then kills it; resolves with the last sequence it told. */
export async function killAfter(path: string, commits: number, life: Life = {}): Promise<number> {
  const script = join(import.meta.dirname, "commit-until-killed.ts");
  const committing = spawn(process.execPath, [script, path], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...life.env },
  });
  const exited = once(committing, "exit");
  let told = 0;
  let count = 0;
  for await (const line of createInterface({ input: committing.stdout })) {
    told = Number(line);
    if (++count === 1) await life.meanwhile?.();
    if (count === commits) committing.kill("SIGKILL");
  }
  await exited;
  return told;
}
