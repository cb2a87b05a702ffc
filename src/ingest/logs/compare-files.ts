/** Whether a file that was found goes on where a known one was left, by what it holds alone. */

import { hash } from "node:crypto";
import type { FileBytes } from "./file-bytes.ts";
import { openFromStart } from "./file-bytes.ts";
import type { FoundFile } from "./find-files.ts";
import type { LogLine, LinePlace } from "./line-cutter.ts";
import { LineCutter } from "./line-cutter.ts";
import { hashOfStart } from "./line-identity.ts";
import type { FileState } from "./watch-state.ts";
import { marksMax, placeOf } from "./watch-state.ts";

/** `same`: up to the place and maybe beyond. `prefix`: as far as it goes, which is not to there. */
export type Likeness = "same" | "prefix" | "other";

export interface Comparison {
  readonly likeness: Likeness;
  /** True where nothing follows the place, and nothing can. */
  readonly isDone: boolean;
  /** True where something follows it. */
  readonly goesOn: boolean;
}

export function startOf(source: string): LinePlace {
  return { bytes: 0, lines: 0, hash: hashOfStart(source) };
}

/** Undefined where its name leads elsewhere by now: then the next look tells. */
export async function compareFile(
  source: string,
  file: FoundFile,
  known: FileState,
): Promise<Comparison | undefined> {
  await using bytes = await openFromStart(file);
  if (!bytes) return undefined;
  return await compareBytes(bytes, startOf(source), known);
}

/** `bytes`: from the place `from` on. */
export async function compareBytes(
  bytes: Pick<FileBytes, "read" | "isWhole">,
  from: LinePlace,
  { marks, place }: Pick<FileState, "marks" | "place">,
): Promise<Comparison> {
  const until = placeOf(place);
  const cutter = new LineCutter(from);
  const isThere = ({ end, number }: LogLine): boolean =>
    end >= until.bytes && number >= marks.length;
  let isReached = until.bytes === from.bytes && marks.length <= from.lines;
  for (let chunk = await bytes.read(); chunk; chunk = await bytes.read()) {
    if (isReached) return { likeness: "same", isDone: false, goesOn: true };
    let rest = 0;
    for (const line of cutter.push(chunk)) {
      if (isReached) rest++;
      else if (!agrees(line, marks, until))
        return { likeness: "other", isDone: false, goesOn: false };
      else isReached = isThere(line);
    }
    if (isReached && (rest > 0 || cutter.isWithinLine))
      return { likeness: "same", isDone: false, goesOn: true };
  }
  const isDone = isReached && bytes.isWhole && marks.length <= until.lines;
  return { likeness: isReached ? "same" : "prefix", isDone, goesOn: false };
}

function agrees(line: LogLine, marks: readonly string[], until: LinePlace): boolean {
  if (line.end > until.bytes && line.start < until.bytes) return false;
  if (line.end === until.bytes && !line.hash.equals(until.hash)) return false;
  const mark = marks[line.number - 1];
  return mark === undefined || mark === line.hash.toString("hex");
}

/** How a file begins: with its first line; behind a header also the one that follows, since all have the same. */
export interface Beginning {
  /** Hex, whatever file it stands in. */
  readonly key: string;
  /** As many as there are, up to `marksMax`, and before one that is too long to be held. */
  readonly lines: readonly Buffer[];
}

const noPlace: LinePlace = { bytes: 0, lines: 0, hash: hash("sha256", "", "buffer") };

/** Undefined while the end of it has not come. */
export async function beginningOf(
  file: FoundFile,
  hasHeader: boolean,
): Promise<Beginning | undefined> {
  await using bytes = await openFromStart(file);
  if (!bytes) return undefined;
  let key: string | undefined;
  const lines: Buffer[] = [];
  let isHeld = true;
  for await (const { number, hash: own, bytes: line } of linesOf(bytes)) {
    if (number === (hasHeader ? 2 : 1)) key = own.toString("hex", 0, 16);
    isHeld &&= line !== undefined;
    if (isHeld) lines.push(Buffer.from(line!));
    if (key !== undefined && (!isHeld || number === marksMax)) break;
  }
  return key === undefined ? undefined : { key, lines };
}

async function* linesOf(bytes: FileBytes): AsyncGenerator<LogLine> {
  const cutter = new LineCutter(noPlace);
  for (let chunk = await bytes.read(); chunk; chunk = await bytes.read()) yield* cutter.push(chunk);
  if (bytes.isWhole) yield* cutter.finish();
}
