/** Bodies decoded as ingest does it, by decoders that have seen all the inputs before: nothing may be left of those. */

import assert from "node:assert/strict";
import type { ClickRules } from "../../src/ingest/admit-click.ts";
import { DeclaredFields } from "../../src/ingest/declared-fields.ts";
import type { DecodedBody } from "../../src/ingest/decode-json.ts";
import { JsonDecoder } from "../../src/ingest/decode-json.ts";
import { ClickBatchBuilder } from "../../src/model/click-batch-builder.ts";
import { decodeClickBatch, encodeClickBatch } from "../../src/model/click-batch-codec.ts";
import type { ClickBatch } from "../../src/model/click-batch.ts";
import { defaultDimensions } from "../../src/model/dimensions.ts";
import { CodedError } from "../../src/model/errors.ts";
import { rowsOf } from "../support/click-rows.ts";
import { receivedAtMs } from "../ingest/decoding.ts";
import type { Judgement } from "./judge/body.ts";
import { parseRfc3339 } from "./judge/click.ts";
import type { JudgedRow, Rules } from "./judge/click.ts";

const ruleChoices: readonly ClickRules[] = [
  { unknownFields: "ignore", missingEventId: "derive", maxFutureMs: 60_000 },
  { unknownFields: "reject", missingEventId: "reject", maxFutureMs: 0 },
];

/** More items than an input can hold. */
const itemsMax = 100_000;

type Method = "decodeJson" | "decodeLines";

interface Decoders {
  readonly rules: Rules;
  readonly scanning: JsonDecoder;
  readonly parsing: JsonDecoder;
}

const declared = new DeclaredFields(defaultDimensions);
const builder = new ClickBatchBuilder(defaultDimensions, 2);
const sink = { partitionCount: 1, spread: 1, builderFor: () => builder };

const decoders: readonly Decoders[] = ruleChoices.map((rules) => ({
  rules: { ...rules, receivedAtMs, parseTime: parseRfc3339 },
  scanning: new JsonDecoder(declared, rules),
  parsing: new JsonDecoder(declared, rules, { scanner: false }),
}));

interface Outcome {
  readonly decoded: DecodedBody;
  readonly rows: readonly JudgedRow[];
}

/**
 * Decodes a body by both ways under each choice of rules, and holds each against the judge, item by item and field by
 * field. How many items there were and were taken, or the code of the refusal.
 */
export function checkBody(
  body: Uint8Array,
  method: Method,
  judge: (body: Uint8Array, rules: Rules) => Judgement | undefined,
): string {
  const words = decoders.map(({ rules, scanning, parsing }) => {
    const scanned = outcomeOf(scanning, method, body);
    assert.deepEqual(scanned, outcomeOf(parsing, method, body), "the two ways differ");
    const judgement = judge(body, rules);
    if (judgement === undefined || typeof scanned === "string") {
      assert.equal(scanned, judgement === undefined ? "malformed_json" : "taken", "as a whole");
      return "malformed_json";
    }
    assertJudged(scanned, judgement);
    if (judgement.received === 0) return "no items";
    return judgement.rows.length > 0 ? "accepted" : "rejected";
  });
  return words[0]!;
}

function outcomeOf(decoder: JsonDecoder, method: Method, body: Uint8Array): Outcome | string {
  builder.reset();
  try {
    const decoded = decoder[method](body, { receivedAtMs, itemsMax }, sink);
    return { decoded, rows: judgedRows(builder.build()) };
  } catch (error) {
    assert.ok(error instanceof CodedError, String((error as Error).stack));
    return error.code;
  }
}

/** The rows of a batch, which must be the same after its binary form has been written and read. */
export function judgedRows(batch: ClickBatch): JudgedRow[] {
  const rows = rowsOf(batch);
  assert.deepEqual(rowsOf(decodeClickBatch(encodeClickBatch(batch))), rows, "in its binary form");
  return rows.map(({ ad, clickTimestampMs, eventId, values }) => ({
    ad_id: ad!,
    time: clickTimestampMs,
    event_id: eventId,
    dimensions: values,
  }));
}

function assertJudged({ decoded, rows }: Outcome, judgement: Judgement): void {
  const { received, refused, derivedIds, unknownFields } = judgement;
  assert.deepEqual(rows, judgement.rows);
  assert.deepEqual(
    {
      received: decoded.received,
      accepted: decoded.accepted,
      rejected: decoded.rejected,
      derivedIds: decoded.derivedIds,
      unknownFields: decoded.unknownFields,
    },
    {
      received,
      accepted: judgement.rows.length,
      rejected: refused.length,
      derivedIds,
      unknownFields,
    },
  );
  const listed = refused.slice(0, 100);
  assert.deepEqual(
    decoded.errors.map(({ index, code }) => ({ index, code })),
    listed.map(({ index, code }) => ({ index, code })),
  );
  for (const [i, { field }] of listed.entries()) {
    if (field !== undefined) assert.equal(decoded.errors[i]!.field, field);
  }
  for (const { message } of decoded.errors) {
    assert.ok(message.length < 1000 && message.isWellFormed(), `no message to show: ${message}`);
  }
}
