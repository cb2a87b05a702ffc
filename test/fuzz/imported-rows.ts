/** The rows of a file as an import reads them, whatever the blocks it comes in. */

import assert from "node:assert/strict";
import { ClickAdmitter } from "../../src/ingest/admit-click.ts";
import { DeclaredFields, clickTimestampField } from "../../src/ingest/declared-fields.ts";
import { ImportTimes } from "../../src/ingest/import/import-times.ts";
import type { RowReader } from "../../src/ingest/import/row-reader.ts";
import { RowStatus } from "../../src/ingest/import/row-reader.ts";
import { FieldKind, ItemFields } from "../../src/ingest/item-fields.ts";
import { ClickBatchBuilder } from "../../src/model/click-batch-builder.ts";
import { defaultDimensions } from "../../src/model/dimensions.ts";
import { CodedError } from "../../src/model/errors.ts";
import { receivedAtMs } from "../ingest/decoding.ts";
import { judgedRows } from "./decoded-clicks.ts";
import type { JudgedRow, Refusal, Rules } from "./judge/click.ts";
import { parseImportTime } from "./judge/import-time.ts";

const importRules = {
  unknownFields: "ignore",
  missingEventId: "derive",
  maxFutureMs: 60_000,
} as const;

export const judgeRules: Rules = { ...importRules, receivedAtMs, parseTime: parseImportTime };

export const declared = new DeclaredFields(defaultDimensions);
const admitter = new ClickAdmitter(declared, importRules);
const times = new ImportTimes("UTC");
const builder = new ClickBatchBuilder(defaultDimensions, 2);
const sink = { partitionCount: 1, spread: 1, builderFor: () => builder };
const fields = new ItemFields(declared.count);

/** Small ones, so that every place of a file is once a block's end. */
const blockSizes = [1, 7, 64, 1000, 1 << 20];
/** More take too long: what is left of a block is looked at again with the next. */
const blocksMax = 150;

/** What each row makes; the code of the refusal where the file as a whole is none. */
export function importedRows(
  file: Uint8Array,
  newReader: () => RowReader,
): (JudgedRow | Refusal)[] | string {
  const sizes = blockSizes.filter((size) => file.length <= size * blocksMax);
  const [first, ...others] = sizes.map((size) => readInBlocks(file, newReader(), size));
  for (const other of others) assert.deepEqual(other, first, "other blocks give other rows");
  return first!;
}

function readInBlocks(
  file: Uint8Array,
  reader: RowReader,
  blockBytes: number,
): (JudgedRow | Refusal)[] | string {
  const outcomes: (JudgedRow | Refusal)[] = [];
  const readRows = (): void => {
    for (
      let status = reader.next(fields);
      status !== RowStatus.needsMore;
      status = reader.next(fields)
    )
      outcomes.push(status === RowStatus.row ? rowOf() : refusalOf(reader.problem));
  };
  try {
    for (let at = 0; at < file.length; at += blockBytes) {
      reader.load(file.subarray(at, at + blockBytes), false);
      readRows();
    }
    reader.load(new Uint8Array(0), true);
    readRows();
  } catch (error) {
    assert.ok(error instanceof CodedError, String((error as Error).stack));
    return error.code;
  }
  return outcomes;
}

function rowOf(): JudgedRow | Refusal {
  builder.reset();
  if (
    fields.kinds[clickTimestampField] === FieldKind.text &&
    Number.isNaN(fields.clickTimestampMs)
  ) {
    const [start, end] = [fields.starts[clickTimestampField]!, fields.ends[clickTimestampField]!];
    fields.clickTimestampMs = times.parse(fields.source, start, end);
  }
  const problem = admitter.admit(fields, receivedAtMs, sink);
  return problem ? refusalOf(problem) : judgedRows(builder.build())[0]!;
}

function refusalOf({ code, field }: Refusal): Refusal {
  return field === undefined ? { code } : { code, field };
}

/** The same rows as judged; a field is compared where the judge names one. */
export function assertSameRows(
  found: readonly (JudgedRow | Refusal)[],
  judged: readonly (JudgedRow | Refusal)[],
): string {
  const comparable = found.map((row, i) => {
    const other = judged[i];
    const isUnnamed = other !== undefined && "code" in other && other.field === undefined;
    return "code" in row && isUnnamed ? { code: row.code } : row;
  });
  assert.deepEqual(comparable, judged);
  if (found.length === 0) return "no rows";
  return found.some((row) => !("code" in row)) ? "accepted" : "rejected";
}
