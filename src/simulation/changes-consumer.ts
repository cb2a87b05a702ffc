import { CodedError } from "../model/errors.ts";
import type { ChangedRow, ChangesPage, ChangesPlace } from "../query/changes-page.ts";
import type { QueryService } from "../query/query-service.ts";
import type { Machine } from "./world/machine.ts";
import { DeviceError } from "./world/process.ts";
import { stackOf } from "./world/stack-of.ts";

/** So few that most rounds have several pages. */
const pageRows = 6;
const waitMs = 60_000;
/** Who asks a process that dies is not told of it. */
const deadlineMs = 120_000;
const againMs = 10_000;
/** Of a store that is away. */
const expectedCodes: ReadonlySet<string> = new Set(["storage_failed", "store_unavailable"]);

/**
 * Builds a table of counts from what the service tells of its changes, with nothing durable but that table and the
 * last mark. It lives through the deaths of the service, and dies at times itself.
 */
export class ChangesConsumer {
  /** Rows by their minute, ad and dimensions. */
  private readonly table = new Map<string, ChangedRow>();
  /** An error that nobody expects. */
  bug: string | undefined;
  /** How often it began again from nothing. */
  resets = 0;
  private readonly machine: Machine;
  private readonly queryNow: () => QueryService | undefined;
  private since = "0";
  private isStopped = false;

  constructor(machine: Machine, queryNow: () => QueryService | undefined) {
    this.machine = machine;
    this.queryNow = queryNow;
  }

  start(): void {
    void this.run();
  }

  stop(): void {
    this.isStopped = true;
  }

  /** Goes on from the last mark until nothing more comes. */
  async catchUp(query: QueryService): Promise<void> {
    let place: ChangesPlace | undefined;
    for (;;) {
      const page = await this.ask(query, place);
      if (page) this.take(page);
      if (page && !page.mark && !page.place.rest) return;
      place = page?.place;
    }
  }

  private async run(): Promise<void> {
    while (!this.isStopped) {
      const query = this.queryNow();
      try {
        if (query) await this.follow(query);
      } catch (error) {
        const isExpected =
          error instanceof DeviceError ||
          (error instanceof CodedError && expectedCodes.has(error.code));
        if (!isExpected) this.bug ??= stackOf(error);
      }
      await this.machine.time.pause(againMs);
    }
  }

  /** Until it dies, the service does, or what is told has to begin again. */
  private async follow(query: QueryService): Promise<void> {
    const { machine } = this;
    let place: ChangesPlace | undefined;
    while (!this.isStopped) {
      const over = machine.time.pause(deadlineMs).then(() => undefined);
      const page = await Promise.race([this.ask(query, place), over]);
      // An answer of a service that is gone would still be right, but it is not the one to follow.
      if (!page || this.isStopped || this.queryNow() !== query) return;
      if (machine.draw("consumer dies") < 0.1) return;
      this.take(page);
      ({ place } = page);
      const isSlow = machine.draw("consumer is slow") < 0.1;
      await machine.time.pause(machine.draw("consumer") * (isSlow ? 600_000 : 15_000));
    }
  }

  /** Undefined where it had to begin again. */
  private async ask(
    query: QueryService,
    place: ChangesPlace | undefined,
  ): Promise<ChangesPage | undefined> {
    const { since } = this;
    // From nothing: what a round that did not end has told may be told otherwise since.
    if (since === "0" && !place) this.table.clear();
    try {
      return await query.changes({ since, limit: pageRows, waitMs, ...(place && { place }) });
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== "history_replaced") throw error;
      this.machine.note("the consumer of changes begins again");
      this.resets++;
      this.since = "0";
      return undefined;
    }
  }

  /** Counts by minute, ad, country and device, as JSON: a recompute may have split the rows by more. */
  get cells(): ReadonlyMap<string, number> {
    const cells = new Map<string, number>();
    for (const { minute, ad_id, country, device, count } of this.table.values()) {
      const key = JSON.stringify([minute, ad_id, country, device]);
      cells.set(key, (cells.get(key) ?? 0) + Number(count));
    }
    return cells;
  }

  private take({ rows, mark }: ChangesPage): void {
    for (const row of rows) {
      const { count, as_of: _asOf, ...place } = row;
      // A dimension that the minute had not got then is missing like one that the click had not.
      const present = Object.entries(place).filter(([, value]) => value !== null);
      const key = JSON.stringify(present.toSorted(([a], [b]) => (a < b ? -1 : 1)));
      if (count === 0) this.table.delete(key);
      else this.table.set(key, row);
    }
    // Kept after the rows: who dies in between is told of them again.
    if (mark) this.since = mark.since;
  }
}
