/** How a soak is shown: a line a sample while it runs, tables at the end. */
import type { Check } from "./books.ts";
import type { FigureDrift, Window } from "./drift.ts";
import { windowsOf } from "./drift.ts";
import { p50, p99 } from "./sample.ts";
import type { Sample } from "./sample.ts";

const barWidth = 20;

/** On a terminal one line that is written over, elsewhere a line each. */
export function showSample(sample: Sample, seconds: number, output: NodeJS.WriteStream): void {
  const line = lineOf(sample, seconds);
  if (!output.isTTY) {
    output.write(`${line}\n`);
    return;
  }
  const filled = Math.round(Math.min(1, sample.seconds / seconds) * barWidth);
  const bar = `[${"#".repeat(filled)}${"-".repeat(barWidth - filled)}]`;
  output.write(`\r\u001b[K${`${bar} ${line}`.slice(0, Math.max(20, output.columns - 1))}`);
}

/** Takes the line away. */
export function endSamples(output: NodeJS.WriteStream): void {
  if (output.isTTY) output.write("\r\u001b[K");
}

function lineOf(sample: Sample, seconds: number): string {
  const mb = (bytes: number) => `${text(bytes / 1e6, 0)} MB`;
  const pair = (values: readonly number[]) => `${text(p50(values), 0)}/${text(p99(values), 0)} ms`;
  return [
    `${(sample.seconds / 60).toFixed(1)}/${text(seconds / 60, 1)} min`,
    `${text(sample.clicksASecond, 0)}/s`,
    `resident ${mb(sample.residentBytes)} (anonymous ${mb(sample.anonymousBytes)})`,
    `ids ${text(sample.dedupIds / 1e6, 1)} M ${mb(sample.dedupBytes)}`,
    `handles ${sample.handles}`,
    `queue ${mb(sample.queueBytes)}`,
    `store ${mb(sample.storeBytes)}, ${text(sample.storeBytes / sample.clicks, 1)} bytes a click`,
    `ack ${pair(sample.ackMs)}`,
    `fresh ${pair(sample.freshnessMs)}`,
    `queries ${pair(sample.queryMs)}`,
    `lag ${text(sample.lagClicks, 0)}`,
    `refused ${sample.refusals}`,
    `cpu ${sample.serviceCpu.toFixed(2)} + ${sample.generatorCpu.toFixed(2)}`,
  ].join("  ");
}

export function reportOf(
  drift: readonly FigureDrift[],
  checks: readonly Check[],
  seconds: number,
): string {
  const { first, last } = windowsOf(seconds);
  const unit = seconds >= 600 ? 60 : 1;
  const named = ({ from, to }: Window) =>
    `${unit === 60 ? "minutes" : "seconds"} ${text(from / unit, 0)} to ${text(Math.min(to, seconds) / unit, 0)}`;
  const rows = drift.map(
    ({ name, unit: of, digits, first: a, last: b, slopeAnHour, bound, held }) =>
      [
        of === "" ? name : `${name} (${of})`,
        text(a, digits),
        text(b, digits),
        text(slopeAnHour, digits),
        bound === null ? "" : `${bound}: ${held ? "held" : "NOT HELD"}`,
      ].join(" | "),
  );
  return [
    `| what | ${named(first)} | ${named(last)} | slope an hour | bound |`,
    "|---|---|---|---|---|",
    ...rows.map((row) => `| ${row} |`),
    "",
    "| at the end | found | |",
    "|---|---|---|",
    ...checks.map(
      ({ name, found, held }) => `| ${name} | ${found} | ${held ? "held" : "NOT HELD"} |`,
    ),
  ].join("\n");
}

function text(value: number, digits: number): string {
  if (!Number.isFinite(value)) return "-";
  return value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}
