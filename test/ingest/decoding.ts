import type { ClickRules } from "../../src/ingest/admit-click.ts";
import { DeclaredFields } from "../../src/ingest/declared-fields.ts";
import type { FieldNames } from "../../src/ingest/declared-fields.ts";
import type { DecodedBody } from "../../src/ingest/decode-json.ts";
import { JsonDecoder } from "../../src/ingest/decode-json.ts";
import { ClickBatchBuilder } from "../../src/model/click-batch-builder.ts";
import type { DimensionLayout } from "../../src/model/dimensions.ts";
import { defaultDimensions } from "../../src/model/dimensions.ts";
import { rowsOf } from "../../src/simulation/oracle/log-rows.ts";

/** 2026-11-23T10:00:00Z */
export const receivedAtMs = 1_795_428_000_000;

export interface DecodingOptions {
  readonly layout?: DimensionLayout;
  readonly rules?: Partial<ClickRules>;
  readonly fieldNames?: FieldNames;
  readonly scanner?: boolean;
  readonly itemsMax?: number;
  readonly contentType?: "json" | "ndjson";
}

export interface Row {
  readonly ad_id: string;
  readonly time: number;
  readonly event_id: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

export interface Decoding {
  readonly decoded: DecodedBody;
  readonly rows: readonly Row[];
}

/** Decodes a body on its own. */
export function decodeBody(body: string | Uint8Array, options: DecodingOptions = {}): Decoding {
  const layout = options.layout ?? defaultDimensions;
  const rules: ClickRules = {
    unknownFields: "ignore",
    missingEventId: "derive",
    maxFutureMs: 60_000,
    ...options.rules,
  };
  const decoder = new JsonDecoder(new DeclaredFields(layout, options.fieldNames), rules, {
    scanner: options.scanner ?? true,
  });
  const builder = new ClickBatchBuilder(layout, 2);
  const sink = { partitionCount: 1, spread: 1, builderFor: () => builder };
  const limits = { receivedAtMs, itemsMax: options.itemsMax ?? 1000 };
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const decoded =
    options.contentType === "ndjson"
      ? decoder.decodeLines(bytes, limits, sink)
      : decoder.decodeJson(bytes, limits, sink);
  return { decoded, rows: rowsIn(builder) };
}

/** The columns as plain objects, missing values left out. */
export function rowsIn(builder: ClickBatchBuilder): Row[] {
  const record = {
    kind: "clicks",
    receivedAtMs,
    source: "test",
    history: false,
    batch: builder.build(),
  } as const;
  return rowsOf(record, 0).map((row) => ({
    ad_id: row.adId,
    time: row.time,
    event_id: row.eventId,
    dimensions: Object.fromEntries(
      Object.entries(row.dimensions).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      ),
    ),
  }));
}

/** An item that is accepted. */
export const goodClick = {
  ad_id: "ad-1",
  click_timestamp: "2026-11-23T09:59:58.123Z",
  event_id: "7d444840-9dc0-11d1-b245-5ffdce74fad2",
  user_id: "u1",
  ip: "1.2.3.4",
  country: "US",
  device: "mobile",
} as const;

export const goodRow: Row = {
  ad_id: "ad-1",
  time: Date.parse(goodClick.click_timestamp),
  event_id: goodClick.event_id,
  dimensions: { country: "US", device: "mobile", user_id: "u1", ip: "1.2.3.4" },
};
