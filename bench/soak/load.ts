import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { stopChild } from "../processes.ts";
import type { LoadSlice, SoakLoad } from "./generator.ts";

/** What the generator has done since it was asked last, and altogether. */
export class Load implements AsyncDisposable {
  /** Acknowledged. */
  clicks = 0;
  duplicates = 0;
  refusals = 0;
  private ackMs: number[] = [];
  private cpuSeconds = 0;
  private readonly child: ChildProcess;
  private readonly lines: Interface;
  private isDone = false;

  private constructor(child: ChildProcess) {
    this.child = child;
    this.lines = createInterface({ input: child.stdout! });
  }

  /** Resolves when the generator waits for its start. */
  static async prepare(plan: SoakLoad): Promise<Load> {
    const path = fileURLToPath(new URL("./generator.ts", import.meta.url));
    const child = spawn(process.execPath, [path, JSON.stringify(plan)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const load = new Load(child);
    await new Promise<void>((resolve, reject) => {
      load.lines.once("line", () => resolve());
      child.once("exit", () => reject(new Error("the load generator failed to start")));
    });
    return load;
  }

  /** Resolves when everything is sent and acknowledged. */
  run(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.lines.on("line", (line) => {
      const slice = JSON.parse(line) as LoadSlice;
      this.clicks += slice.clicks;
      this.duplicates += slice.duplicates;
      this.refusals += slice.refusals;
      this.cpuSeconds += slice.cpuSeconds;
      this.ackMs.push(...slice.ackMs);
      if (slice.isLast) this.isDone = true;
    });
    // All lines are read by then; the process may have gone before.
    this.lines.once("close", () => {
      if (this.isDone) resolve();
      else reject(new Error("the load generator failed"));
    });
    this.child.stdin!.write("go\n");
    return promise;
  }

  /** Since the last call. */
  take(): { readonly ackMs: readonly number[]; readonly cpuSeconds: number } {
    const taken = { ackMs: this.ackMs, cpuSeconds: this.cpuSeconds };
    this.ackMs = [];
    this.cpuSeconds = 0;
    return taken;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await stopChild(this.child, "SIGKILL");
  }
}
