/**
 * The import of one file: rows to batches, batches to the log, as history of the source `import:FILE`.
 *
 * A row without an event id is known by its content and by how many times that content has come so far in the file,
 * so that equal rows are separate clicks and yet the same clicks when the file is imported again.
 */

import { basename } from "node:path";
import { encodeClickBatch } from "../../model/click-batch-codec.ts";
import { ClickBatchBuilder } from "../../model/click-batch-builder.ts";
import type { DimensionLayout } from "../../model/dimensions.ts";
import type { ItemErrorCode } from "../../model/errors.ts";
import { importSource } from "../../model/source.ts";
import type { ClickRules } from "../admit-click.ts";
import { ClickAdmitter } from "../admit-click.ts";
import type { FieldNames } from "../declared-fields.ts";
import { DeclaredFields, clickTimestampField } from "../declared-fields.ts";
import { deriveOccurrenceId } from "../derived-event-id.ts";
import { FieldKind, ItemFields, lacksEventId } from "../item-fields.ts";
import type { ItemProblem } from "../item-problem.ts";
import { BatchAppender } from "./batch-appender.ts";
import type { AppendBatch, Tally } from "./batch-appender.ts";
import { CsvRows } from "./csv-rows.ts";
import { ImportTimes } from "./import-times.ts";
import { identifyFile, ImportStateFile } from "./import-state.ts";
import { NdjsonRows } from "./ndjson-rows.ts";
import { OccurrenceTable } from "./occurrence-table.ts";
import { RowStatus } from "./row-reader.ts";
import type { FileFormat, SourceBlocks } from "./source-blocks.ts";
import { openSource } from "./source-blocks.ts";

const batchRowsMaxDefault = 100_000;

/** Bytes of the file that go into one batch, so that its binary form stays below `limits.body_bytes`. */
const batchSourceBytesMax = 8 * 1_048_576;

export interface ImportOptions {
  readonly path: string;
  readonly format: FileFormat;
  /** Names of the file's columns by field. */
  readonly map: FieldNames;
  /** IANA name of the zone of times without an offset. */
  readonly timeZone: string;
  readonly layout: DimensionLayout;
  readonly rules: Omit<ClickRules, "parseTimeText">;
  readonly append: AppendBatch;
  /** Where the states of imports are kept. */
  readonly stateDirectory: string;
  readonly onProgress: (progress: ImportProgress) => void;
  /** Rows of the file count from 1, without the header. */
  readonly onReject: (row: number, problem: ItemProblem) => void;
  readonly signal?: AbortSignal;
  readonly batchRowsMax?: number;
}

interface ImportProgress {
  readonly rows: number;
  /** Of `total`, in bytes or rows as the file's format has it. */
  readonly done: number;
  readonly total: number;
}

export interface ImportResult {
  readonly source: string;
  readonly rows: number;
  readonly accepted: number;
  readonly rejected: Readonly<Partial<Record<ItemErrorCode, number>>>;
  readonly unknownFields: number;
  /** Rows that an interrupted run had imported already. */
  readonly resumedRows: number;
  /** When the file was imported before, where it was. */
  readonly importedBefore: string | undefined;
}

export async function importFile(options: ImportOptions): Promise<ImportResult> {
  const { path, format, map, timeZone, layout, rules } = options;
  const identity = await identifyFile(path, { format, map, timeZone, layout, rules });
  const stateFile = new ImportStateFile(options.stateDirectory, identity);
  const before = await stateFile.load();
  const resumed = before?.finishedAt === undefined ? before : undefined;
  const file = basename(path);
  const source = importSource(file);

  const appender = new BatchAppender(options.append, source);
  const rowImport = new RowImport(options, appender, resumed?.rowsDone ?? 0);
  appender.onAppended = (tally) => stateFile.save({ file, ...totals(tally) });
  const totals = (tally: Tally) => ({
    rowsDone: tally.rows,
    accepted: tally.accepted + (resumed?.accepted ?? 0),
    rejected: sumOf(tally.rejected, resumed?.rejected ?? {}),
    unknownFields: tally.unknownFields + (resumed?.unknownFields ?? 0),
  });

  const blocks = await openSource(path, format);
  const tally = await rowImport.run(blocks);
  await appender.finish();
  const done = totals(tally);
  await stateFile.save({ file, ...done, finishedAt: new Date().toISOString() });
  return {
    source,
    ...done,
    rows: done.rowsDone,
    resumedRows: resumed?.rowsDone ?? 0,
    importedBefore: before?.finishedAt,
  };
}

class RowImport {
  private readonly options: ImportOptions;
  private readonly appender: BatchAppender;
  /** Rows at the start of the file that are in the log already; their contents still count as occurrences. */
  private readonly skippedRows: number;
  private readonly batchRowsMax: number;
  private readonly declared: DeclaredFields;
  private readonly admitter: ClickAdmitter;
  private readonly times: ImportTimes;
  private readonly builder: ClickBatchBuilder;
  private readonly occurrences = new OccurrenceTable();
  private readonly fields: ItemFields;
  private rows = 0;
  private accepted = 0;
  private rejected: Partial<Record<ItemErrorCode, number>> = {};
  private skippedUnknownFields = 0;

  constructor(options: ImportOptions, appender: BatchAppender, skippedRows: number) {
    this.options = options;
    this.appender = appender;
    this.skippedRows = skippedRows;
    this.declared = new DeclaredFields(options.layout, options.map);
    this.admitter = new ClickAdmitter(this.declared, options.rules);
    this.times = new ImportTimes(options.timeZone);
    this.batchRowsMax = options.batchRowsMax ?? batchRowsMaxDefault;
    this.builder = new ClickBatchBuilder(options.layout, this.batchRowsMax);
    this.fields = new ItemFields(this.declared.count);
  }

  async run({ syntax, blocks, total, unit, bytesRead }: SourceBlocks): Promise<Tally> {
    const reader = syntax === "csv" ? new CsvRows(this.declared) : new NdjsonRows(this.declared);
    const readRows = async (): Promise<void> => {
      const sink = { partitionCount: 1, spread: 1, builderFor: () => this.builder };
      let receivedAtMs = Date.now();
      for (
        let status = reader.next(this.fields);
        status !== RowStatus.needsMore;
        status = reader.next(this.fields)
      ) {
        const problem =
          status === RowStatus.malformed ? reader.problem : this.takeRow(receivedAtMs, sink);
        this.rows++;
        if (problem !== undefined) this.reject(problem);
        if (this.builder.rowCount === this.batchRowsMax || this.rows === this.skippedRows) {
          await this.flush();
          receivedAtMs = Date.now();
        }
      }
      const done = unit === "rows" ? this.rows : bytesRead();
      this.options.onProgress({ rows: this.rows, done, total });
    };
    let batchBytes = 0;
    for await (const block of blocks) {
      this.options.signal?.throwIfAborted();
      batchBytes += block.length;
      if (batchBytes > batchSourceBytesMax && this.rows > this.skippedRows) {
        await this.flush();
        batchBytes = block.length;
      }
      reader.load(block, false);
      await readRows();
    }
    reader.load(new Uint8Array(0), true);
    await readRows();
    await this.flush();
    return this.tally();
  }

  private takeRow(
    receivedAtMs: number,
    sink: Parameters<ClickAdmitter["admit"]>[2],
  ): ItemProblem | undefined {
    const { fields, builder } = this;
    if (
      fields.kinds[clickTimestampField] === FieldKind.text &&
      Number.isNaN(fields.clickTimestampMs)
    ) {
      const start = fields.starts[clickTimestampField]!;
      fields.clickTimestampMs = this.times.parse(
        fields.source,
        start,
        fields.ends[clickTimestampField]!,
      );
    }
    const problem = this.admitter.admit(fields, receivedAtMs, sink);
    if (problem === undefined && lacksEventId(fields)) this.countOccurrence(builder.rowCount - 1);
    return problem;
  }

  /** The first occurrence keeps the id that the click has when it comes live. */
  private countOccurrence(row: number): void {
    const id = this.admitter.derivedId;
    const occurrence = this.occurrences.add(id, 0);
    if (occurrence === 1) return;
    const words = deriveOccurrenceId([id[0]!, id[1]!, id[2]!, id[3]!], occurrence);
    this.builder.eventIds.setDerived(row, ...words);
  }

  private reject(problem: ItemProblem): void {
    if (this.rows <= this.skippedRows) return;
    this.rejected[problem.code] = (this.rejected[problem.code] ?? 0) + 1;
    this.options.onReject(this.rows, problem);
  }

  private async flush(): Promise<void> {
    const { builder, admitter } = this;
    if (this.rows <= this.skippedRows) {
      this.skippedUnknownFields = admitter.unknownFieldCount;
      builder.reset();
    } else if (builder.rowCount > 0) {
      this.accepted += builder.rowCount;
      const bytes = encodeClickBatch(builder.build());
      builder.reset();
      await this.appender.append(bytes, this.tally());
    }
  }

  private tally(): Tally {
    const unknownFields = this.admitter.unknownFieldCount - this.skippedUnknownFields;
    return {
      rows: this.rows,
      accepted: this.accepted,
      rejected: { ...this.rejected },
      unknownFields,
    };
  }
}

function sumOf<Key extends string>(
  a: Readonly<Partial<Record<Key, number>>>,
  b: Readonly<Partial<Record<Key, number>>>,
): Partial<Record<Key, number>> {
  const sum: Partial<Record<Key, number>> = { ...a };
  for (const [key, count] of Object.entries(b) as [Key, number][])
    sum[key] = (sum[key] ?? 0) + count;
  return sum;
}
