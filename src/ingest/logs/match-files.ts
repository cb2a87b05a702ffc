/**
 * Finds the known files among those that are there, by what they hold: an inode only tells where to look first. What is
 * neither a known file nor a copy of one is a new one.
 *
 * - A file that was moved keeps its inode, and its end still agrees with what was read.
 * - One whose content was replaced (copy-truncate) is looked for among the others: the copy goes on where it was left.
 * - One that was compressed likewise, whether it had been read to its end or not.
 * - A copy of a file that is still there (while it is being copied or compressed) is left alone, and takes its place once
 *   that is gone.
 * - A file that begins like a known one and goes on otherwise, or that came to the name of one that was moved, is another.
 *   While it could still be either, nothing of it is read.
 */

import type { Clock } from "../../clock/clock.ts";
import type { Beginning } from "./compare-files.ts";
import { beginningOf, compareBytes, compareFile, startOf } from "./compare-files.ts";
import { openPlain } from "./file-bytes.ts";
import type { FoundFile } from "./find-files.ts";
import { hashOfLine } from "./line-identity.ts";
import type { FileState } from "./watch-state.ts";
import { addMark, placeOf, savedPlace } from "./watch-state.ts";

/** Between comparisons of a file that may be a copy. */
const compareEveryMs = 1_000;

interface Copy {
  readonly of: FileState;
  readonly likeness: "same" | "prefix";
  /** It has more than what was compared: then it is another file, or the other one has not been read so far. */
  readonly goesOn: boolean;
  readonly seenAs: string;
  /** How far the other had been read then, and when that was. */
  readonly comparedBytes: number;
  readonly comparedMs: number;
}

export interface MatcherOptions {
  readonly source: string;
  readonly clock: Clock;
  readonly files: FileState[];
  /** Of the first line, where it is a header; undefined for a format without. */
  readonly headerOf: ((line: Buffer) => readonly string[]) | undefined;
  /** True where it is read from still, though no name leads to it. */
  readonly isHeld: (file: FileState) => boolean;
}

export class FileMatcher {
  private readonly options: MatcherOptions;
  /** By inode. */
  private copies = new Map<string, Copy>();
  /** What plain files looked like when they were last known again, by inode. */
  private seenAs = new Map<string, string>();

  constructor(options: MatcherOptions) {
    this.options = options;
  }

  /** `found`: the oldest first. Adds to the known files; their inodes and paths are those of now. */
  async match(found: readonly FoundFile[]): Promise<Map<FileState, FoundFile>> {
    const matched = new Map<FileState, FoundFile>();
    const unknown: FoundFile[] = [];
    const inodes = new Set<string>();
    for (const file of found) {
      // Another name of the same file.
      if (inodes.has(file.inode)) continue;
      inodes.add(file.inode);
      const known = await this.knownByInode(file);
      // Moved in this moment: the next look tells, for its inode may be another's by now.
      if (known === "moved") continue;
      if (known) this.bind(known, file, matched);
      else unknown.push(file);
    }
    // Grows by those whose known file is found elsewhere.
    for (const file of unknown) await this.decide(file, matched, unknown);
    for (const inode of [...this.copies.keys(), ...this.seenAs.keys()]) {
      if (inodes.has(inode)) continue;
      this.copies.delete(inode);
      this.seenAs.delete(inode);
    }
    return matched;
  }

  /** What is found where a file was has other content by now. */
  forget(file: FileState): void {
    this.seenAs.delete(file.inode);
    file.inode = "";
  }

  private bind(known: FileState, file: FoundFile, matched: Map<FileState, FoundFile>): void {
    known.path = file.path;
    known.inode = file.inode;
    this.copies.delete(file.inode);
    this.seenAs.set(file.inode, looks(file));
    matched.set(known, file);
  }

  private async knownByInode(file: FoundFile): Promise<FileState | "moved" | undefined> {
    for (const known of this.options.files.filter(({ inode }) => inode === file.inode)) {
      const isStill = await this.isStill(known, file);
      if (isStill === undefined) return "moved";
      if (isStill) return known;
      this.forget(known);
    }
    return undefined;
  }

  /** Undefined where the file was moved meanwhile. */
  private async isStill(known: FileState, file: FoundFile): Promise<boolean | undefined> {
    const { source } = this.options;
    if (this.seenAs.get(file.inode) === looks(file) || known.doneAs === looks(file)) return true;
    if (file.compression !== "none") {
      const compared = await compareFile(source, file, known);
      return compared && compared.likeness === "same";
    }
    if (file.size < known.place.bytes) return false;
    if (known.place.bytes === 0) {
      const compared = await compareFile(source, file, known);
      return compared && compared.likeness !== "other";
    }
    const from = placeOf(known.anchor);
    await using bytes = await openPlain(file, from.bytes);
    if (!bytes) return undefined;
    return (await compareBytes(bytes, from, { marks: [], place: known.place })).likeness === "same";
  }

  private async decide(
    file: FoundFile,
    matched: Map<FileState, FoundFile>,
    unknown: FoundFile[],
  ): Promise<void> {
    const { source, clock, files, isHeld } = this.options;
    const copy = this.copies.get(file.inode);
    const isBound = (known: FileState): boolean => matched.has(known) || isHeld(known);
    const nowMs = clock.monotonicMs();
    if (copy && isBound(copy.of)) {
      // All of it stands in the other already, or as much as was to be compared.
      const isSettled =
        copy.likeness === "prefix" ||
        (!copy.goesOn && copy.of.place.bytes === copy.comparedBytes && !goesOnIn(file, copy.of));
      if (copy.seenAs === looks(file) && isSettled) return;
      if (nowMs - copy.comparedMs < compareEveryMs) return;
    }
    const beginning = await this.beginningOf(file);
    if (!beginning) return;
    const alike = files.filter((known) => known.beginning === beginning.key);
    for (const known of alike) {
      const compared = await compareFile(source, file, known);
      if (!compared) return;
      const { likeness, isDone, goesOn } = compared;
      if (likeness === "other") continue;
      const isLikeInMore = likeness === "same" && known.marks.length > 1;
      if (isBound(known) && isAnother(file, known) && !isLikeInMore) continue;
      let own = matched.get(known);
      if (own && isLikeInMore && (await this.isLess(own, known))) {
        // It has the inode, and less than what was read: the rest is here.
        this.forget(known);
        matched.delete(known);
        unknown.push(own);
        own = undefined;
      }
      // A copy has no more than what it is one of.
      if (goesOn && own && isRead(known, own) && !goesOnIn(file, known)) continue;
      if (likeness === "same" && (!isBound(known) || goesOnIn(file, known))) {
        known.doneAs = isDone ? looks(file) : "";
        known.isCopy = true;
        this.bind(known, file, matched);
        return;
      }
      const isCopied = this.copiesOf(known).some((inode) => inode !== file.inode);
      if (likeness === "prefix" && !isBound(known) && isCopied && !file.isRotated) continue;
      this.copies.set(file.inode, {
        of: known,
        likeness,
        goesOn,
        seenAs: looks(file),
        comparedBytes: known.place.bytes,
        comparedMs: nowMs,
      });
      return;
    }
    this.bind(this.added(file, beginning), file, matched);
  }

  private async isLess(file: FoundFile, known: FileState): Promise<boolean> {
    return (await compareFile(this.options.source, file, known))?.likeness === "prefix";
  }

  private copiesOf(known: FileState): string[] {
    return [...this.copies].filter(([, copy]) => copy.of === known).map(([inode]) => inode);
  }

  private async beginningOf(file: FoundFile): Promise<Beginning | undefined> {
    return await beginningOf(file, this.options.headerOf !== undefined);
  }

  private added(file: FoundFile, { key, lines }: Beginning): FileState {
    const { source, files, headerOf } = this.options;
    const start = startOf(source);
    const added: FileState = {
      occurrences: [],
      beginning: key,
      header: (lines[0] && headerOf?.(lines[0])) ?? [],
      marks: [],
      place: savedPlace(start),
      anchor: savedPlace(start),
      doneAs: "",
      isCopy: false,
      bornAt: file.path,
      path: file.path,
      inode: file.inode,
    };
    let { hash } = start;
    for (const line of lines) {
      hash = hashOfLine(hash, line);
      addMark(added, hash.toString("hex"), files);
    }
    files.push(added);
    return added;
  }
}

/** Whatever it begins with: a plain file beside one that was moved, or where one was that was copied and cut. */
function isAnother(file: FoundFile, known: FileState): boolean {
  if (file.compression !== "none" || known.path === known.bornAt) return false;
  return !known.isCopy || file.path === known.bornAt;
}

/** What was compressed to its end goes on nowhere but in a plain copy. One line of it is too little to tell. */
function goesOnIn(file: FoundFile, known: FileState): boolean {
  return known.doneAs !== "" && file.compression === "none" && known.place.lines > 1;
}

function isRead(known: FileState, file: FoundFile): boolean {
  return file.compression === "none"
    ? file.size === known.place.bytes
    : known.doneAs === looks(file);
}

/** What changes when something is written to it. */
export function looks({ size, mtimeMs }: FoundFile): string {
  return `${size} ${mtimeMs}`;
}
