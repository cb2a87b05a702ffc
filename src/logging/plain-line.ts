/** A line of the log for people: `21:04:05 warn  what happened  key=value`, and what an error came from below it. */

interface LogLine {
  readonly level: number;
  /** RFC 3339. */
  readonly time: string;
  readonly msg?: string;
  readonly err?: { readonly message?: string; readonly stack?: string };
  readonly [fact: string]: unknown;
}

const levelNames: Readonly<Record<number, string>> = {
  20: "debug",
  30: "info",
  40: "warn",
  50: "error",
};
/** Who runs it in a terminal knows. */
const leftOut = new Set(["level", "time", "msg", "err", "pid", "role"]);

/** `json`: one line as it is written for programs. */
export function plainLine(json: string): string {
  const line = JSON.parse(json) as LogLine;
  const facts = Object.entries(line)
    .filter(([name]) => !leftOut.has(name))
    .map(
      ([name, value]) => `  ${name}=${typeof value === "string" ? value : JSON.stringify(value)}`,
    );
  const { err } = line;
  const level = (levelNames[line.level] ?? String(line.level)).padEnd(5);
  const text = `${clockTime(line.time)} ${level} ${line.msg ?? err?.message ?? ""}${facts.join("")}`;
  return err?.stack === undefined ? `${text}\n` : `${text}\n${err.stack}\n`;
}

/** Of the reader's own zone. */
function clockTime(time: string): string {
  return new Date(time).toTimeString().slice(0, 8);
}
