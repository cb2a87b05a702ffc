import { useState } from "preact/hooks";
import { useNavigation } from "../client/navigation.ts";
import type { Range } from "../model/address.ts";
import { formatRange } from "../model/format.ts";
import { rangeMinutes } from "../model/period.ts";
import { formatInstant, instantOf, localTime } from "../model/zone.ts";
import { Popover } from "./popover.tsx";

const windows = [
  ["15m", "15 min"],
  ["60m", "1 hour"],
  ["6h", "6 hours"],
  ["24h", "24 hours"],
  ["7d", "7 days"],
  ["30d", "30 days"],
] as const;

/** The last minutes, hours or days up to now; or from and to, in the zone that was picked. */
export function RangePicker() {
  const { address, go } = useNavigation();
  const { range, zone } = address;
  const current = "window" in range ? range.window : undefined;
  const isOther = current !== undefined && !windows.some(([window]) => window === current);
  return (
    <div class="field" role="group" aria-label="Time">
      <span class="field-label" aria-hidden="true">
        Time
      </span>
      <div class="segments">
        {windows.map(([window, label]) => (
          <button
            key={window}
            type="button"
            class="segment"
            aria-pressed={current === window}
            onClick={() => go({ range: { window } })}
          >
            {label}
          </button>
        ))}
        <Popover
          class={`segment ${current === undefined || isOther ? "segment-current" : ""}`}
          title="From and to"
          label={
            current === undefined && "from" in range
              ? formatRange(range.from, range.to, zone)
              : isOther
                ? `last ${current}`
                : "From – to"
          }
        >
          {(close) => <RangeForm range={range} zone={zone} onDone={close} />}
        </Popover>
      </div>
    </div>
  );
}

interface RangeFormProps {
  readonly range: Range;
  readonly zone: string;
  readonly onDone: () => void;
}

function RangeForm({ range, zone, onDone }: RangeFormProps) {
  const { go } = useNavigation();
  const [start, setStart] = useState(() => inputText(startMs(range), zone));
  const [end, setEnd] = useState(() => inputText(endMs(range), zone));
  const from = timeOf(start, zone);
  const to = timeOf(end, zone);
  const isRange = from !== undefined && to !== undefined && from < to;
  const onSubmit = (event: Event): void => {
    event.preventDefault();
    if (!isRange) return;
    onDone();
    go({ range: { from: formatInstant(from), to: formatInstant(to) } });
  };
  return (
    <form class="popover-form" onSubmit={onSubmit}>
      <label>
        From
        <input
          type="datetime-local"
          required
          value={start}
          onInput={(event) => setStart(event.currentTarget.value)}
        />
      </label>
      <label>
        To, exclusive
        <input
          type="datetime-local"
          required
          value={end}
          onInput={(event) => setEnd(event.currentTarget.value)}
        />
      </label>
      <p class="hint">{isRange ? `In ${zone}` : "The end has to be after the start."}</p>
      <button type="submit" class="primary" disabled={!isRange}>
        Show
      </button>
    </form>
  );
}

function endMs(range: Range): number {
  return "to" in range ? Date.parse(range.to) : Math.ceil(Date.now() / 60_000) * 60_000;
}

function startMs(range: Range): number {
  return "from" in range ? Date.parse(range.from) : endMs(range) - rangeMinutes(range) * 60_000;
}

function inputText(timeMs: number, zone: string): string {
  const { date, time } = localTime(timeMs, zone);
  return `${date}T${time.slice(0, 5)}`;
}

function timeOf(text: string, zone: string): number | undefined {
  const [date, time] = text.split("T");
  if (!date || !time) return undefined;
  const timeMs = instantOf(date, time.slice(0, 5), zone);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}
