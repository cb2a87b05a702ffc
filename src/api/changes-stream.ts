import { Readable } from "node:stream";
import type { ChangesPage, ChangesPlace, ChangesRequest } from "../query/changes-page.ts";
import type { QueryService } from "../query/query-service.ts";
import type { ChangesForm } from "./changes-text.ts";

export interface ChangesStreamOptions {
  readonly query: Pick<QueryService, "changes">;
  readonly request: Pick<ChangesRequest, "since" | "filter">;
  readonly form: ChangesForm;
  /** False: ends with the first mark. */
  readonly follow: boolean;
  /** What is silent for so long is told that it lives. */
  readonly heartbeatMs: number;
}

/**
 * Changes as text. A page is asked for when there is room for it, so that a slow consumer holds back what it is told
 * and not the service: what is committed meanwhile becomes part of a later page.
 */
export class ChangesStream extends Readable {
  private readonly options: ChangesStreamOptions;
  private next: ChangesPage | undefined;
  private place: ChangesPlace;
  private lastMark: NonNullable<ChangesPage["mark"]>;
  private lastMs = performance.now();
  private isAsking = false;
  private isOver = false;

  private constructor(options: ChangesStreamOptions, first: ChangesPage) {
    // Room for one chunk, which is a page, whatever its length.
    super({ highWaterMark: 1 });
    this.options = options;
    this.next = first;
    this.place = first.place;
    this.lastMark = { as_of: first.place.since, since: options.request.since ?? "0" };
  }

  /** Resolves once the first page is there, so that what is wrong with the request is an answer of its own. */
  static async start(options: ChangesStreamOptions): Promise<ChangesStream> {
    return new ChangesStream(options, await options.query.changes(options.request));
  }

  /** Ends it after what is on its way; a consumer goes on from its last mark. */
  finish(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.push(null);
  }

  override _read(): void {
    if (this.isAsking || this.isOver) return;
    this.isAsking = true;
    this.ask().catch((error: unknown) => this.destroy(error as Error));
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.isOver = true;
    done(error);
  }

  /** Until there is something to say. */
  private async ask(): Promise<void> {
    for (;;) {
      const page = this.next ?? (await this.nextPage());
      if (this.isOver) return;
      this.next = undefined;
      this.place = page.place;
      const text = this.textOf(page);
      if (text === "") continue;
      this.lastMs = performance.now();
      this.isAsking = false;
      this.push(text);
      if (page.mark && !this.options.follow) this.finish();
      return;
    }
  }

  private nextPage(): Promise<ChangesPage> {
    const { query, request, heartbeatMs } = this.options;
    return query.changes({ ...request, place: this.place, waitMs: heartbeatMs });
  }

  private textOf({ rows, mark }: ChangesPage): string {
    const { form, heartbeatMs } = this.options;
    if (mark) this.lastMark = mark;
    if (mark || rows.length > 0) return form.rows(rows) + (mark ? form.mark(mark) : "");
    const isSilent = performance.now() - this.lastMs >= heartbeatMs;
    return isSilent ? form.heartbeat(this.lastMark) : "";
  }
}
