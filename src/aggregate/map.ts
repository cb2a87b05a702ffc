/**
 * The first step of a clicks record: strings become surrogate keys, identities become hashes. A string is looked
 * up once a record and entry, not once a click.
 */

import { adDictionary } from "../model/commit.ts";
import type { ClickBatch, DimensionColumn, IpColumn, StringColumn } from "../model/click-batch.ts";
import { EventIdKind } from "../model/click-batch.ts";
import { formatIp } from "../model/ip.ts";
import type { ClicksRecord } from "../model/log-record.ts";
import { freeMemory } from "../runtime/free-memory.ts";
import type { Dictionary } from "./dictionary.ts";
import type { IdentityHasher } from "./identity.ts";
import { identityWords } from "./identity.ts";
import type { SharedState } from "./state.ts";
import { minuteDimensionNames } from "./state.ts";

export interface MappedClicks {
  readonly offset: number;
  readonly record: ClicksRecord;
  /** Dictionary key of each row's ad. */
  readonly adKeys: Int32Array;
  /** Dictionary keys of each row by minute dimension (minuteDimensionNames), 0 = missing. */
  readonly dimensionKeys: ReadonlyMap<string, Int32Array>;
  /** Four words a row. */
  readonly identities: Uint32Array;
}

export function mapClicks(shared: SharedState, offset: number, record: ClicksRecord): MappedClicks {
  const { batch } = record;
  const adKeys = keysOfStrings(shared.dictionary(adDictionary), batch.ad);
  shared.introduceAds();
  const dimensionKeys = new Map<string, Int32Array>();
  for (const name of minuteDimensionNames(shared.configs)) {
    const column = batch.dimensions.find((dimension) => dimension.name === name)?.column;
    dimensionKeys.set(name, keysOf(shared.dictionary(name), column, batch.rowCount));
  }
  return {
    offset,
    record,
    adKeys,
    dimensionKeys,
    identities: hashIdentities(shared.hasher, batch, adKeys),
  };
}

function keysOf(
  dictionary: Dictionary,
  column: DimensionColumn | undefined,
  rowCount: number,
): Int32Array {
  if (column === undefined) return new Int32Array(rowCount);
  return column.type === "ip" ? keysOfIps(dictionary, column) : keysOfStrings(dictionary, column);
}

function keysOfStrings(dictionary: Dictionary, column: StringColumn): Int32Array {
  const { codes, offsets, bytes, entryCount } = column;
  const keyOfCode = new Int32Array(entryCount + 1);
  const keys = new Int32Array(codes.length);
  // By use, not by entry: a heap can hold strings of rows that were dropped, which must get no key.
  for (let row = 0; row < codes.length; row++) {
    const code = codes[row]!;
    if (code === 0) continue;
    let key = keyOfCode[code]!;
    if (key === 0) {
      key = dictionary.intern(bytes, offsets[code - 1]!, offsets[code]!);
      keyOfCode[code] = key;
    }
    keys[row] = key;
  }
  freeMemory(keyOfCode);
  return keys;
}

function keysOfIps(dictionary: Dictionary, column: IpColumn): Int32Array {
  const keys = new Int32Array(column.present.length);
  for (let row = 0; row < keys.length; row++) {
    if (column.present[row] === 1)
      keys[row] = dictionary.internText(formatIp(column.words, row * 4));
  }
  return keys;
}

function hashIdentities(
  hasher: IdentityHasher,
  batch: ClickBatch,
  adKeys: Int32Array,
): Uint32Array {
  const { kinds, words, textOffsets, textBytes } = batch.eventIds;
  const identities = new Uint32Array(batch.rowCount * identityWords);
  for (let row = 0; row < batch.rowCount; row++) {
    const kind = kinds[row]!;
    if (kind === EventIdKind.text) {
      const entry = words[row * 4]!;
      const start = textOffsets[entry]!;
      const end = textOffsets[entry + 1]!;
      hasher.hashText(adKeys[row]!, textBytes, start, end, identities, row * identityWords);
    } else {
      hasher.hashWords(adKeys[row]!, kind, words, row * 4, identities, row * identityWords);
    }
  }
  return identities;
}
