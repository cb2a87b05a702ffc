import { parseTime } from "../model/parse-time.ts";
import { formatOfName, openSource } from "../ingest/import/source-blocks.ts";

/** A line of a recording, with the time of its click where it has one. */
export interface RecordedClick {
  readonly line: string;
  readonly timeMs: number | undefined;
}

const timeMember = /"click_timestamp"\s*:\s*("[^"\\]*"|-?\d+)/;

/** The lines of an NDJSON file (`.gz` and `.zst` unpacked) in their order. Throws a RangeError for other formats. */
export async function* readRecording(path: string): AsyncGenerator<RecordedClick> {
  if ((formatOfName(path) ?? "ndjson") !== "ndjson") {
    throw new RangeError(`${path}: send takes NDJSON; import takes CSV and Parquet`);
  }
  const { blocks } = await openSource(path, "ndjson");
  const decoder = new TextDecoder();
  let rest = "";
  for await (const block of blocks) {
    const lines = (rest + decoder.decode(block, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) if (line.trim() !== "") yield { line, timeMs: timeOf(line) };
  }
  rest += decoder.decode();
  if (rest.trim() !== "") yield { line: rest, timeMs: timeOf(rest) };
}

/** The line with another time of its click; all else stays as it is, byte for byte. */
export function withTime({ line }: RecordedClick, timeMs: number): string {
  return line.replace(timeMember, (member, value: string) =>
    member.replace(
      value,
      value.startsWith('"') ? `"${new Date(timeMs).toISOString()}"` : String(timeMs),
    ),
  );
}

function timeOf(line: string): number | undefined {
  const value = timeMember.exec(line)?.[1];
  if (value === undefined) return undefined;
  return value.startsWith('"') ? parseTime(value.slice(1, -1)) : Number(value);
}
