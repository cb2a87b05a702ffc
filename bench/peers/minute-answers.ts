/** What the peers are asked of their minute tables, in their own SQL. */

export interface Window {
  readonly adId: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** `minutes`: the table. `time`: a literal of this time. */
export interface Dialect {
  readonly minutes: string;
  readonly time: (timeMs: number) => string;
}

export function topSql({ minutes, time }: Dialect, { fromMs, toMs }: Window): string {
  return `SELECT ad_id, sum(clicks) AS clicks FROM ${minutes} WHERE ${between(time, fromMs, toMs)}
    GROUP BY ad_id ORDER BY clicks DESC, ad_id LIMIT 100`;
}

export function countSql({ minutes, time }: Dialect, { adId, fromMs, toMs }: Window): string {
  return `SELECT sum(clicks) FROM ${minutes} WHERE ad_id = '${adId}' AND ${between(time, fromMs, toMs)}`;
}

function between(time: Dialect["time"], fromMs: number, toMs: number): string {
  return `minute >= ${time(fromMs)} AND minute < ${time(toMs)}`;
}
