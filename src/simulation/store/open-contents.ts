import type { Commit } from "../../model/commit.ts";
import { CodedError } from "../../model/errors.ts";
import { unsealed } from "../world/chunk.ts";
import type { SimulatedDisk, SimulatedFile } from "../world/disk.ts";
import { fileNames } from "../world/file-names.ts";
import { purgeContents } from "./retention.ts";
import type { Contents } from "./tables.ts";
import { applyCommit, rowsOfCommit } from "./apply-commit.ts";
import { compactContents, copyOf, emptyContents } from "./tables.ts";

interface WrittenCommit {
  readonly commit: Commit;
  /** Of the history that it begins. */
  readonly historyId: string | undefined;
}

/** A write of the store's log; its sequence is that of the last commit it comes after or is. */
export type LogWrite =
  | { readonly kind: "commits"; readonly parts: readonly WrittenCommit[] }
  | { readonly kind: "compact"; readonly endMinute: number; readonly sequence: number }
  | { readonly kind: "purge"; readonly sequence: number };

/**
 * The contents that snapshot and log come to. A torn end of the log is cut off; a log that is damaged before its end
 * can't be replayed and is left behind, for the snapshot is a sound place to go on from. Throws `data_corrupt` where
 * the snapshot is damaged.
 */
export function openContents(disk: SimulatedDisk): Contents {
  const contents = readSnapshot(disk);
  const log = disk.file(fileNames.storeLog);
  const writes = log.chunks.map((chunk) => unsealed<LogWrite>(chunk));
  const bad = writes.indexOf(undefined);
  if (bad !== -1) {
    const isTorn = writes.slice(bad).every((write) => write === undefined);
    log.truncate(isTorn ? bad : 0);
    if (!isTorn) disk.noteSetAside();
  }
  log.sync();
  for (const write of writes.slice(0, log.chunks.length)) replay(contents, write!);
  return contents;
}

function readSnapshot(disk: SimulatedDisk): Contents {
  if (!disk.has(fileNames.snapshot)) return emptyContents();
  const [chunk] = disk.file(fileNames.snapshot).chunks;
  const snapshot = chunk && unsealed<Contents>(chunk);
  if (snapshot === undefined)
    throw new CodedError("data_corrupt", "the store's snapshot is damaged");
  return copyOf(snapshot);
}

function replay(contents: Contents, write: LogWrite): void {
  if (write.kind === "commits") {
    for (const { commit, historyId } of write.parts)
      if (commit.sequence > contents.sequence)
        applyCommit(contents, commit, rowsOfCommit(commit), historyId);
  } else if (write.kind === "purge") purgeContents(contents);
  else if (write.sequence >= contents.sequence) compactContents(contents, write.endMinute);
}

/** Forgets the writes that a snapshot of this sequence holds. */
export function dropCovered(log: SimulatedFile, sequence: number): void {
  let covered = 0;
  for (const chunk of log.chunks) {
    const write = unsealed<LogWrite>(chunk);
    const at = write?.kind === "commits" ? write.parts.at(-1)!.commit.sequence : write?.sequence;
    if (at === undefined || at > sequence) break;
    covered++;
  }
  log.dropFirst(covered);
}
