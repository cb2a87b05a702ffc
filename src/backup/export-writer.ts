/** Writes exports into directories that callers name. */

import { join } from "node:path";
import { makeDirectory } from "../files/durable-file.ts";
import { CodedError } from "../model/errors.ts";
import { formatMinute } from "../model/time.ts";
import type { ExportPlan, ExportRequest } from "../query/query-service.ts";
import type { ExportedDay, ExportQuery } from "../store/store-exports.ts";
import type { ExportDayAnswer, ExportDayRequest, ExportService } from "./backup-service.ts";
import { targetDirectory, targetError } from "./target-directory.ts";

const directoryMode = 0o700;

export interface ExportParts {
  /** Absolute; nothing is written into it. */
  readonly dataDirectory: string;
  readonly plan: (request: ExportRequest) => Promise<ExportPlan>;
  readonly exportDay: (query: ExportQuery) => Promise<ExportedDay>;
}

export class ExportWriter implements ExportService {
  private readonly parts: ExportParts;
  private isRunning = false;

  constructor(parts: ExportParts) {
    this.parts = parts;
  }

  /** One at a time: each takes one of the few that may ask the store at once. */
  async exportDay({ dir, ...request }: ExportDayRequest): Promise<ExportDayAnswer> {
    const directory = await targetDirectory("dir", dir, this.parts.dataDirectory);
    const plan = await this.parts.plan(request);
    if (this.isRunning)
      throw new CodedError("already_running", "an export of this service is being written");
    this.isRunning = true;
    try {
      return await this.write(directory, plan);
    } catch (error) {
      throw targetError(error, "dir", directory);
    } finally {
      this.isRunning = false;
    }
  }

  private async write(directory: string, plan: ExportPlan): Promise<ExportDayAnswer> {
    const { range, nextFromMinute, ...query } = plan;
    const nothing = { path: null, rows: 0, bytes: 0, as_of: null, next_from: null };
    if (!range) return { ...nothing, from: null, to: null };
    const [from, to] = [formatMinute(range.fromMinute), formatMinute(range.toMinute)];
    const path = join(directory, `${plan.what}-${from.slice(0, 10)}.${plan.format}`);
    await makeDirectory(directory, directoryMode);
    const { asOf, rows, bytes } = await this.parts.exportDay({ ...query, ...range, path });
    return {
      path: rows === 0 ? null : path,
      from,
      to,
      rows,
      bytes,
      as_of: asOf,
      next_from: nextFromMinute === undefined ? null : formatMinute(nextFromMinute),
    };
  }
}
