/** Texts that all processes share, beside the order of commits: who writes one second finds what the first has written. */

import type { Clock } from "../clock/clock.ts";
import type { Note } from "./commit-order.ts";
import type { OrderReader } from "./order-reader.ts";

/** The text that there is, or else this one. */
export async function noteOnce(
  reader: OrderReader,
  clock: Clock,
  name: string,
  text: string,
): Promise<string> {
  const known = await readNote(reader, name);
  if (known.revision > 0) return known.text;
  return (await writeNote(reader, clock, name, { revision: 1, text })).text;
}

export async function readNote(reader: OrderReader, name: string): Promise<Note> {
  await reader.readAll();
  return reader.order.note(name) ?? { revision: 0, text: "" };
}

/** Resolves with what stands there then: another's text where that came first under this revision, or is behind it. */
export async function writeNote(
  reader: OrderReader,
  clock: Clock,
  name: string,
  note: Note,
): Promise<Note> {
  const record = { kind: "note", name, ...note } as const;
  await reader.readThrough(await reader.log.append(record, clock.nowMs()));
  return reader.order.note(name)!;
}
