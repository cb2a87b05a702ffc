/** Values by name and labels, as they stand in the text format of Prometheus. Throws where a line is none of it. */
export function samplesOf(text: string): Record<string, number> {
  const samples: Record<string, number> = {};
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("# HELP ") || line.startsWith("# TYPE ")) continue;
    const match = /^(\w+(?:\{.*\})?) (\S+)$/.exec(line);
    if (!match || Number.isNaN(Number(match[2]))) throw new Error(`no sample: ${line}`);
    samples[match[1]!] = Number(match[2]);
  }
  return samples;
}
