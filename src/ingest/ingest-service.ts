/** What the API asks of ingest. In the embedded service it runs in a thread of its own. */

import type { ItemError } from "../model/errors.ts";
import type { Control, Position } from "../model/log-record.ts";

export interface IngestService {
  /**
   * Decodes, validates and appends a body; resolves when its accepted clicks are durable. Rejects with a
   * CodedError where the body as a whole is refused; then nothing of it was appended.
   */
  accept(body: IngestBody): Promise<IngestAnswer>;
  /** Appends a control record durably. Attributes of ads go to the partition of each ad. */
  appendControl(control: Control): Promise<Position[]>;
  /**
   * Checks a click batch in its binary form (model/click-batch-codec.ts) whole and appends it durably as history.
   * CodedError `malformed_encoding` where the bytes are no batch, `invalid_parameter` or `unknown_dimension` where it
   * does not fit the configuration; then nothing was appended.
   */
  appendBatch(batchBytes: Uint8Array, source: string): Promise<Position[]>;
}

export interface IngestBody {
  readonly bytes: Uint8Array;
  /** Media type without parameters: `application/json` or `application/x-ndjson`. */
  readonly contentType: string;
  /** `identity`, `gzip` or `zstd`. */
  readonly contentEncoding: string;
  readonly source: string;
  /** An import: appended as history. */
  readonly history: boolean;
}

export interface IngestAnswer {
  readonly received: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Accepted clicks whose event id was derived. */
  readonly derived_ids: number;
  /** The first 100. */
  readonly errors: readonly ItemError[];
  /** Where the accepted clicks lie: rows `[fromRow, toRow)` of the record at a position. */
  readonly ranges: readonly RowRange[];
}

export interface RowRange extends Position {
  readonly fromRow: number;
  readonly toRow: number;
}
