/** When bodies are due, whatever became of those before them. */

export interface Phase {
  /** Clicks a second. */
  readonly rate: number;
  readonly seconds: number;
}

/** Of each body, milliseconds from the start. */
export function dueTimes(phases: readonly Phase[], batchRows: number): number[] {
  const due: number[] = [];
  let startMs = 0;
  for (const { rate, seconds } of phases) {
    const bodies = Math.round((rate * seconds) / batchRows);
    for (let i = 0; i < bodies; i++) due.push(startMs + (i * batchRows * 1000) / rate);
    startMs += seconds * 1000;
  }
  return due;
}
