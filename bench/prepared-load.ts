import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { LoadPlan, LoadReport } from "./load-generator.ts";
import { stopChild } from "./processes.ts";

/** A load generator with its bodies made, waiting for the start. */
export class PreparedLoad implements AsyncDisposable {
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;
  private isWarm = false;

  private constructor(plan: LoadPlan) {
    const path = fileURLToPath(new URL("./load-generator.ts", import.meta.url));
    this.child = spawn(
      process.execPath,
      ["--max-old-space-size=4096", path, JSON.stringify(plan)],
      {
        stdio: ["pipe", "pipe", "inherit"],
      },
    );
    this.lines = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  static async prepare(plan: LoadPlan): Promise<PreparedLoad> {
    const load = new PreparedLoad(plan);
    try {
      await load.nextLine();
      return load;
    } catch (error) {
      await load[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Resolves once what is sent for warming up is acknowledged. */
  async warmUp(): Promise<void> {
    this.child.stdin!.write("warm up\n");
    await this.nextLine();
    this.isWarm = true;
  }

  /** Warms up where that was not done. */
  async run(): Promise<LoadReport> {
    if (!this.isWarm) await this.warmUp();
    this.child.stdin!.write("go\n");
    return JSON.parse(await this.nextLine()) as LoadReport;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await stopChild(this.child, "SIGKILL");
  }

  private async nextLine(): Promise<string> {
    const line = await this.lines.next();
    if (line.done === true) throw new Error("the load generator failed");
    return line.value;
  }
}

/**
 * From when bodies were due to their acknowledgement, of those that were due in `[fromMs, toMs)`. What was not taken until the
 * end waited at least until then: left out, it would make a server the better the less it takes.
 */
export function acksOf({ bodies, seconds }: LoadReport, fromMs = 0, toMs = Infinity): number[] {
  return bodies
    .filter(({ dueMs }) => dueMs >= fromMs && dueMs < toMs)
    .filter(({ isDropped }) => !isDropped)
    .map(({ dueMs, ackMs }) => ackMs ?? Math.max(0, seconds * 1000 - dueMs));
}
