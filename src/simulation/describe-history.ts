import type { Action, History } from "./history.ts";

/** What a line, and a description, shows at most. */
const lineLengthMax = 400;
const linesMax = 60;

/** A history in lines, as much of it as fits a screen. */
export function describeHistory(history: History): string {
  const lines = linesOf(history).map((line) =>
    line.length > lineLengthMax ? `${line.slice(0, lineLengthMax)}…` : line,
  );
  if (lines.length <= linesMax) return lines.join("\n");
  return [...lines.slice(0, linesMax), `  and ${lines.length - linesMax} more`].join("\n");
}

function linesOf({ settings, actions, faults }: History): string[] {
  const { commit, maintenance, partitionCount, spread, queueBytesMax, hotBytesMax, tickEveryMs } =
    settings;
  const knobs = {
    partitionCount,
    spread,
    ...commit,
    ...maintenance,
    queueBytesMax,
    hotBytesMax,
    tickEveryMs,
  };
  return [
    `  settings ${JSON.stringify(knobs)}`,
    `  ${JSON.stringify(settings.semantic)}`,
    ...faults.map(
      ({ armedAtMs, fault, step }) => `  from ${seconds(armedAtMs)}: ${fault} at ${step}`,
    ),
    ...actions.map((action) => `  at ${seconds(action.atMs)}: ${describeAction(action)}`),
  ];
}

function describeAction(action: Action): string {
  switch (action.kind) {
    case "send": {
      const { source, format, history, items } = action.batch;
      const clicks = items.map(({ fields }) => JSON.stringify(fields)).join(" ");
      return `${history ? "import" : "send"} by ${source} as ${format}: ${clicks}`;
    }
    case "control":
      return `control ${JSON.stringify(action.control)}`;
    case "restart":
      return `restart with ${JSON.stringify(action.semantic)}`;
    case "ask":
      return `ask ${JSON.stringify(action.question)}`;
    case "backup":
      return "backup";
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(3)} s`;
}
