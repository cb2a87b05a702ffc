/** Durations and sizes as people write them in settings. */

const unitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const unitsBytes: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 1024,
  MIB: 1024 ** 2,
  GIB: 1024 ** 3,
  TIB: 1024 ** 4,
};

/** Milliseconds of `250ms`, `15s`, `1m`, `24h`, `90d`; undefined where the text is no duration. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?(ms|s|m|h|d)$/.exec(text);
  if (!match) return undefined;
  return wholeNumber(Number(match[1]) * unitsMs[match[2]!]!);
}

/** Bytes of `1GB`, `512MB` (decimal), `64KiB` (binary), `100B`; undefined where the text is no size. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([KMGT]?I?B)$/i.exec(text);
  const unit = match && unitsBytes[match[2]!.toUpperCase()];
  if (!unit) return undefined;
  return wholeNumber(Number(match[1]) * unit);
}

/** Fractions that come out whole are fine (`1.5h`, `0.5GB`); what is left of binary floating point is not. */
function wholeNumber(value: number): number | undefined {
  const rounded = Math.round(value);
  return Number.isSafeInteger(rounded) && Math.abs(value - rounded) < 1e-6 ? rounded : undefined;
}

export function formatDuration(durationMs: number): string {
  for (const unit of ["d", "h", "m", "s"]) {
    const unitMs = unitsMs[unit]!;
    if (durationMs >= unitMs && durationMs % unitMs === 0) return `${durationMs / unitMs}${unit}`;
  }
  return `${durationMs}ms`;
}

export function formatSize(sizeBytes: number): string {
  for (const unit of ["TB", "TiB", "GB", "GiB", "MB", "MiB", "KB", "KiB"]) {
    const bytes = unitsBytes[unit.toUpperCase()]!;
    if (sizeBytes >= bytes && sizeBytes % bytes === 0) return `${sizeBytes / bytes}${unit}`;
  }
  return `${sizeBytes}B`;
}
