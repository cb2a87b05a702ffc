/** Identities of clicks, for dedup: scanned by event time, and looked up. */

import { EventIdKind } from "../../model/click-batch.ts";
import { adDictionary } from "../../model/commit.ts";
import { dedupOutcomes } from "../../model/outcome.ts";
import { minuteMs, minuteOf } from "../../model/time.ts";
import type { IdentityChunk, IdentityProbes } from "../click-store.ts";
import type { Connection } from "./connection.ts";
import { integer, literal } from "./connection.ts";
import { probesAtOnce } from "./minutes.ts";
import { clicksToSql, keysToSql } from "./seen-sql.ts";
import type { View } from "./state.ts";

/** True for clicks of the outcomes that count for dedup. */
export const countsForDedup = `outcome IN (${dedupOutcomes.join(", ")})`;

export async function* scanIdentities(
  connection: Connection,
  view: View,
  fromMs: number,
  toMs: number,
): AsyncGenerator<IdentityChunk> {
  const range = { fromMinute: minuteOf(fromMs), toMinute: Math.ceil(toMs / minuteMs) };
  const clicks = `SELECT ad_id, event_id_kind, event_id, event_id_text, click_timestamp
    FROM ${clicksToSql(view, undefined, range)}
    WHERE click_timestamp >= ${integer(fromMs)} AND click_timestamp < ${integer(toMs)} AND ${countsForDedup}`;
  const blocks = connection.blocks(
    `SELECT toInt32(a.key), event_id_kind, event_id, event_id_text, click_timestamp
     FROM (SELECT * FROM ${view.tables.everywhere(clicks)}) c
     JOIN ${keysToSql(view, adDictionary)} a ON a.value = c.ad_id`,
  );
  for await (const block of blocks) {
    const { rowCount } = block;
    if (rowCount === 0) continue;
    const kinds = Uint8Array.from(block.uint8(1));
    const texts = kinds.includes(EventIdKind.text) ? block.texts(3) : undefined;
    yield {
      rowCount,
      adKeys: block.int32(0),
      eventIdKinds: kinds,
      eventIdWords: block.uint128(2),
      eventIdTexts: Array.from(kinds, (kind, row) =>
        kind === EventIdKind.text ? texts![row]! : null,
      ),
      clickTimestamps: block.int64(4),
    };
  }
}

export async function findIdentities(
  connection: Connection,
  view: View,
  probes: IdentityProbes,
): Promise<Uint8Array> {
  const found = new Uint8Array(probes.rowCount);
  const { dictionaries } = view.state;
  const wanted = Array.from({ length: probes.rowCount }, (_, row) => ({
    row,
    minute: minuteOf(probes.clickTimestamps[row]!),
    adId: dictionaries.textOf(adDictionary, probes.adKeys[row]!) ?? "",
    id: formOfId(
      probes.eventIdKinds[row]!,
      probes.eventIdWords.subarray(row * 4, row * 4 + 4),
      probes.eventIdTexts[row] ?? null,
    ),
  }));
  for (let first = 0; first < wanted.length; first += probesAtOnce) {
    const some = wanted.slice(first, first + probesAtOnce);
    const minutes = some.map(({ minute }) => minute);
    const range = {
      fromMinute: minutes.reduce((a, b) => Math.min(a, b)),
      toMinute: minutes.reduce((a, b) => Math.max(a, b)) + 1,
    };
    const buckets = [
      ...new Set(some.map((own) => `(${integer(own.minute)}, ${literal(own.adId)})`)),
    ];
    const ids = [...new Set(some.map(({ id }) => id))];
    const asked = `(minute, ad_id) IN (${buckets.join(", ")}) AND (event_id_kind, event_id, event_id_text) IN (${ids.join(", ")})`;
    const clicks = `SELECT * FROM ${clicksToSql(view, undefined, range, asked)} WHERE ${countsForDedup}`;
    const rows = await connection.rows(
      `SELECT DISTINCT minute, ad_id, ${idColumns} FROM ${view.tables.everywhere(clicks)}`,
    );
    const known = new Set(
      rows.map(([minute, adId, kind, hex, text]) => `${minute} ${adId} ${idOf(kind, hex, text)}`),
    );
    for (const { row, minute, adId, id } of some)
      if (known.has(`${minute} ${adId} ${id}`)) found[row] = 1;
  }
  return found;
}

/** What idOf takes. */
export const idColumns = "event_id_kind, hex(event_id), event_id_text";

/**
 * The id of a row as a tuple of SQL: the same for the same id. Literals alone: of a long list with calls in it ClickHouse makes
 * one constant, which it can't from a megabyte or so on.
 */
export function idOf(kind: unknown, hex: unknown, text: unknown): string {
  const bytes = (hex as string).replaceAll(/../g, String.raw`\x$&`);
  return `(${kind as number}, '${bytes}', ${literal(text as string)})`;
}

export function formOfId(kind: number, words: ArrayLike<number>, text: string | null): string {
  const hex = Array.from(words, (word) => word.toString(16).padStart(8, "0")).join("");
  const isText = kind === EventIdKind.text;
  return idOf(kind, isText ? "0".repeat(32) : hex.toUpperCase(), isText ? text! : "");
}

/** Four words, the most significant first. */
export function wordsOfHex(hex: string): number[] {
  return [0, 8, 16, 24].map((at) => Number.parseInt(hex.slice(at, at + 8), 16));
}
