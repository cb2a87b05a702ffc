import { formatEventId } from "../../model/click-batch.ts";
import { minuteOf } from "../../model/time.ts";
import type { IdentityChunk, IdentityProbes } from "../../store/click-store.ts";
import { countsForDedup } from "./clicks.ts";
import type { Contents, RawRow } from "./tables.ts";
import { timedIdentityOf } from "./tables.ts";

export function foundIdentities(contents: Contents, probes: IdentityProbes): Uint8Array {
  const recorded = new Set(
    contents.raw.filter((row) => countsForDedup(row.outcome)).map(timedIdentityOf),
  );
  return Uint8Array.from({ length: probes.rowCount }, (_, i) => {
    const kind = probes.eventIdKinds[i]!;
    const minute = minuteOf(probes.clickTimestamps[i]!);
    const text = probes.eventIdTexts[i] ?? undefined;
    const id = formatEventId(kind, probes.eventIdWords, i * 4, text);
    return recorded.has(`${minute} ${probes.adKeys[i]} ${kind} ${id}`) ? 1 : 0;
  });
}

export function identityChunk(rows: readonly RawRow[]): IdentityChunk {
  return {
    rowCount: rows.length,
    adKeys: Int32Array.from(rows, ({ adKey }) => adKey),
    eventIdKinds: Uint8Array.from(rows, ({ eventIdKind }) => eventIdKind),
    eventIdWords: Uint32Array.from(rows.flatMap(({ eventIdWords }) => eventIdWords)),
    eventIdTexts: rows.map(({ eventIdText }) => eventIdText),
    clickTimestamps: Float64Array.from(rows, ({ time }) => time),
  };
}
