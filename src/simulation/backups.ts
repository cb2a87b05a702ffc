/** Backups of the simulated service, and what a service that is started on one of them has to tell. */

import { ChangesConsumer } from "./changes-consumer.ts";
import type { Ack } from "./client.ts";
import type { History, SemanticSettings } from "./history.ts";
import { judge } from "./judge/judge.ts";
import { SimulatedService } from "./simulated-service.ts";
import type { Chunk } from "./world/chunk.ts";
import { fileNames } from "./world/file-names.ts";
import { Machine } from "./world/machine.ts";
import { SimulatedProcess } from "./world/process.ts";

interface CopiedFiles {
  readonly files: ReadonlyMap<string, readonly Chunk[]>;
  /** Wall clock when they were there. */
  readonly wallMs: number;
}

export interface Backup extends CopiedFiles {
  /** What clients had been told when it began. */
  readonly acks: readonly Ack[];
  /** Of the service that was copied. */
  readonly semantic: SemanticSettings;
}

/** A restored service has caught up after so long, in simulated time. */
const patienceMs = 3_600_000;

/** By the real protocol (engine/data-copies.ts). */
export async function copyOf(service: SimulatedService): Promise<CopiedFiles> {
  const { engine, store, queue, process } = service;
  const copied = await engine.copies.make({
    copyStore: () => store.copySnapshot(),
    copyQueue: (from) => queue.copyLog(from),
  });
  const { disk } = process.machine;
  return {
    files: new Map([
      [fileNames.snapshot, copied.store.chunks],
      [fileNames.queue, copied.queue],
      [fileNames.config, [...disk.file(fileNames.config).chunks]],
    ]),
    wallMs: process.machine.wallMs,
  };
}

/** What is wrong with one of them; undefined where nothing is. */
export async function judgeBackups(
  history: History,
  backups: readonly Backup[],
): Promise<string | undefined> {
  for (const [i, backup] of backups.entries()) {
    const problem = await judgeBackup(history, backup).catch((error: unknown) => String(error));
    if (problem !== undefined) return `restored from backup ${i + 1}: ${problem}`;
  }
  return undefined;
}

/** Elsewhere, on a machine where nothing goes wrong. What was acknowledged before must be there, counted as it was sent. */
async function judgeBackup(history: History, backup: Backup): Promise<string | undefined> {
  const { files, wallMs, acks, semantic } = backup;
  const { seed, settings } = history;
  const machine = new Machine({ seed, startMs: wallMs, faults: [], keepsTrace: false });
  for (const [name, chunks] of files) machine.disk.restore(name, chunks);
  machine.disk.restore(fileNames.storeLog, []);
  const process = new SimulatedProcess(machine);
  const failed = (): void => process.end();
  let mismatch: string | undefined;
  const mismatched = (error: Error): void => {
    mismatch = `the self-audit finds: ${error.message}`;
  };
  const starting = SimulatedService.start({ process, settings, semantic, failed, mismatched });
  const service = await machine.time.drive(starting);
  await machine.time.drive(service.ingest[Symbol.asyncDispose]());
  if (!(await machine.time.runUntil(() => service.isCaughtUp, patienceMs)))
    return "what its queue holds is not committed";
  const consumer = new ChangesConsumer(machine, () => service.engine.query);
  return mismatch ?? (await judge({ history, machine, service, acks, recorded: [], consumer }));
}
