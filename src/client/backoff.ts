const firstMs = 250;
const mostMs = 30_000;
/** No timer runs longer than 24 days. */
const askedMsMax = 86_400_000;

/**
 * How long to wait after so many failures in a row, from 1. At random, so that those who failed together do not come again
 * together; never before the service asked for. `random`: in [0, 1).
 */
export function backoffMs(
  failures: number,
  retryAfterMs: number | undefined,
  random: number,
): number {
  const spreadMs = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 20));
  if (retryAfterMs === undefined) return spreadMs * (0.5 + random / 2);
  return Math.min(askedMsMax, retryAfterMs) + spreadMs * random;
}
