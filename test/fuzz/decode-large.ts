/** In a worker: decodes what it is sent, and says how that ended. It is ended from outside where it takes too long. */

import { parentPort } from "node:worker_threads";
import { writeFileSync } from "node:fs";
import { loadSettings } from "../../src/config.ts";
import { DeclaredFields } from "../../src/ingest/declared-fields.ts";
import { JsonDecoder } from "../../src/ingest/decode-json.ts";
import { decompress } from "../../src/ingest/decompress.ts";
import { CsvRows } from "../../src/ingest/import/csv-rows.ts";
import { NdjsonRows } from "../../src/ingest/import/ndjson-rows.ts";
import type { RowReader } from "../../src/ingest/import/row-reader.ts";
import { RowStatus } from "../../src/ingest/import/row-reader.ts";
import { ItemFields } from "../../src/ingest/item-fields.ts";
import { ClickBatchBuilder } from "../../src/model/click-batch-builder.ts";
import { decodeClickBatch } from "../../src/model/click-batch-codec.ts";
import { defaultDimensions } from "../../src/model/dimensions.ts";
import { decodeLogRecord } from "../../src/model/log-record-codec.ts";
import { parseFilter } from "../../src/model/parse-filter.ts";
import { resolveRange } from "../../src/model/window.ts";
import { checkTimeZone } from "../../src/query/calendar.ts";
import { parseCursor } from "../../src/query/cursor.ts";
import { byParameter, wholeNumberParameter } from "../../src/query/parameters.ts";

const declared = new DeclaredFields(defaultDimensions);
const builder = new ClickBatchBuilder(defaultDimensions);
const sink = { partitionCount: 1, spread: 1, builderFor: () => builder };
const limits = { receivedAtMs: 1_795_428_000_000, itemsMax: 1_000_000 };
const decoder = new JsonDecoder(declared, {
  unknownFields: "ignore",
  missingEventId: "derive",
  maxFutureMs: 60_000,
});
/** As large as the blocks of a file. */
const blockBytes = 2 << 20;

function readRows(bytes: Uint8Array, reader: RowReader): void {
  const fields = new ItemFields(declared.count);
  const drain = (): void => {
    while (reader.next(fields) !== RowStatus.needsMore);
  };
  for (let at = 0; at < bytes.length; at += blockBytes) {
    reader.load(bytes.subarray(at, at + blockBytes), false);
    drain();
  }
  reader.load(new Uint8Array(0), true);
  drain();
}

const decoders: Readonly<Record<string, (bytes: Uint8Array, text: string) => unknown>> = {
  json: (bytes) => decoder.decodeJson(bytes, limits, sink),
  ndjson: (bytes) => decoder.decodeLines(bytes, limits, sink),
  "imported NDJSON": (bytes) => readRows(bytes, new NdjsonRows(declared)),
  "imported CSV": (bytes) => readRows(bytes, new CsvRows(declared)),
  batch: (bytes) => decodeClickBatch(bytes),
  record: (bytes) => decodeLogRecord(bytes),
  gzip: (bytes) => decompress(bytes, "gzip", 64e6),
  zstd: (bytes) => decompress(bytes, "zstd", 64e6),
  filter: (_bytes, text) => parseFilter(text),
  window: (_bytes, window) => resolveRange({ window }, { nowMs: 1e12, finalThroughMinute: 1 }),
  from: (_bytes, from) => resolveRange({ from, to: "1" }, { nowMs: 1e12, finalThroughMinute: 1 }),
  tz: (_bytes, text) => checkTimeZone(text),
  by: (_bytes, text) => byParameter(text, new Map([["device", "string"]])),
  limit: (_bytes, text) => wholeNumberParameter("limit", text, { least: 1, most: 9, otherwise: 1 }),
  cursor: (bytes) => parseCursor(Buffer.from(bytes).toString("base64url"), "q", () => undefined),
  variable: (_bytes, text) =>
    loadSettings({ env: { [`CLICKTALLY_${text}`]: "1", CLICKTALLY_ADS: text } }),
  file: (bytes) => {
    const path = process.env["FUZZ_CONFIG_PATH"]!;
    writeFileSync(path, bytes);
    return loadSettings({ configPath: path });
  },
};

parentPort!.on("message", ({ what, bytes }: { what: string; bytes: Uint8Array }) => {
  builder.reset();
  let outcome = "decoded";
  try {
    decoders[what]!(bytes, Buffer.from(bytes).toString());
  } catch (error) {
    const code = (error as { code?: string }).code;
    outcome = error instanceof RangeError ? "RangeError" : (code ?? String(error));
  }
  parentPort!.postMessage(outcome, []);
});
