import type { Commit } from "../model/commit.ts";
import { CodedError } from "../model/errors.ts";
import type { Position } from "../model/log-record.ts";
import { outcomeNames } from "../model/outcome.ts";
import type { OutcomeName } from "../model/outcome.ts";
import { formatMinute } from "../model/time.ts";
import { resolveRange } from "../model/window.ts";
import type { MinuteRange, RangeParameters, WindowEnds } from "../model/window.ts";
import { answerAudit } from "./audit-answer.ts";
import { answerBreakdown, breakdownText, readBreakdownAfter } from "./breakdown-answer.ts";
import { AnswerCache } from "./cache.ts";
import type { ChangesSupport } from "./changes-answer.ts";
import { ChangesReader } from "./changes-answer.ts";
import type { ChangesPage, ChangesRequest } from "./changes-page.ts";
import type { ClosesAnswer, StatementAnswer, StatementRequest } from "./billing.ts";
import { answerCloses } from "./closes-answer.ts";
import { answerCount } from "./count-answer.ts";
import { pageOf } from "./cursor.ts";
import type { Cursor } from "./cursor.ts";
import type { ErasePlan, EraseRequest } from "./erase-plan.ts";
import { planErase } from "./erase-plan.ts";
import { answerExplain, explainText, readExplainAfter } from "./explain-answer.ts";
import { planExport } from "./export-plan.ts";
import type { HotMinutes, LoadOptions } from "./hot-minutes.ts";
import type { AnsweredRange } from "./kept-data.ts";
import { ledgerAnswer, noOutcomes } from "./ledger-answer.ts";
import {
  adIdParameter,
  asOfParameter,
  bucketsParameter,
  byParameter,
  filterParameter,
  orderParameter,
  wholeNumberParameter,
} from "./parameters.ts";
import { PastState } from "./past-state.ts";
import type { OutcomeCounts } from "../store/click-store.ts";
import { operationAnswer } from "./operation-answer.ts";
import { answerQuarantine, quarantineText } from "./quarantine-answer.ts";
import type * as api from "./query-service.ts";
import type * as recount from "./recount.ts";
import { QueryState } from "./query-state.ts";
import type { QueryStateOptions } from "./query-state.ts";
import type { QueryView } from "./query-view.ts";
import { answerRecomputed, planRecount, previewRecompute } from "./recompute-answer.ts";
import {
  answerRestatements,
  readRestatementsAfter,
  restatementsText,
} from "./restatements-answer.ts";
import {
  answerStatement,
  readStatementAfter,
  statementRange,
  statementText,
} from "./statement-answer.ts";
import { answerStatus } from "./status-answer.ts";
import type { ServiceNumbers } from "./status-answer.ts";
import { answerTop } from "./top-answer.ts";

export interface QueryEngineOptions extends QueryStateOptions {
  /** Current time, epoch ms. */
  readonly clock: () => number;
  readonly serviceNumbers: () => Promise<ServiceNumbers>;
  readonly committed: CommittedLately;
  readonly trimmed: Pick<CommittedLately, "wait">;
  readonly changes: ChangesSupport;
  /**
   * Where another process commits: so long a commit is waited for that somebody names who has been told of it elsewhere.
   * 0, the default: nobody can have been.
   */
  readonly aheadMsMax?: number;
}

/** What is known of the newest commits without asking the store. */
export interface CommittedLately {
  /** See `committed` of QueryService. */
  wait(positions: readonly Position[], timeoutMs: number): Promise<boolean>;
  /** Rows `[fromRow, toRow)` of a record by outcome number; undefined where it is no longer (or not yet) known. */
  outcomesOf(position: Position, fromRow: number, toRow: number): Float64Array | undefined;
}

/** A question with its parameters read, as the view that is to answer it knows them. */
interface Asked<Query, Answer> {
  readonly query: Query & { readonly range: MinuteRange };
  compute(): Promise<Answer>;
}

const topBounds = { least: 1, most: 1000, otherwise: 10 };
const limitBounds = { least: 1, most: 100_000, otherwise: 1000 };
const explainLimitBounds = { least: 1, most: 10_000, otherwise: 100 };
/** What a row of an answer takes in the cache, about; an answer's head takes four times that. */
const bytesARow = 160;
/** A click that is listed, with its original, takes as much as so many rows. */
const rowsAClick = 8;

/**
 * Answers queries over one store. `apply` tells it of every commit. An answer's numbers, as_of, watermark and status
 * are those of one commit: of the last one applied where the recent minutes in memory cover the query, else of the
 * store's snapshot; or of the commit that was asked for.
 */
export class QueryEngine implements api.QueryService {
  private readonly options: QueryEngineOptions;
  private readonly state: QueryState;
  private readonly cache: AnswerCache;
  private readonly changesReader: ChangesReader;

  private constructor(options: QueryEngineOptions, state: QueryState) {
    this.options = options;
    this.state = state;
    this.cache = new AnswerCache(state.snapshot.asOf);
    this.changesReader = new ChangesReader(state, options.changes);
  }

  /** Nothing may be committed meanwhile, nor before the recent minutes are loaded. */
  static async open(options: QueryEngineOptions): Promise<QueryEngine> {
    return new QueryEngine(options, await QueryState.open(options));
  }

  /** Once, and before the first `apply`. Queries are answered meanwhile: where it has not come to, by the store. */
  loadRecent(options?: LoadOptions): Promise<void> {
    return this.state.loadRecent(options);
  }

  /** For figures about memory. */
  get hot(): HotMinutes {
    return this.state.hot;
  }

  /** Buckets before this epoch minute are final; undefined where none is. */
  get finalThroughMinute(): number | undefined {
    return this.state.finality(this.state.snapshot).finalThrough;
  }

  /** Clicks by which the ledger does not balance. */
  get ledgerImbalance(): number {
    return this.state.applied.ledgerImbalance;
  }

  /** To be called in the order of the commits, each right after it is done. */
  apply(commit: Commit): void {
    this.state.apply(commit);
    this.changesReader.apply(commit);
    this.cache.advance(commit.sequence);
  }

  async count(request: api.CountRequest): Promise<api.CountAnswer> {
    const ask = (view: QueryView) => {
      const query = {
        adId: adIdParameter(request.ad_id),
        range: this.resolve(request, view),
        filter: filterParameter(request.filter, view.configs),
        buckets: bucketsParameter(request.granularity, request.tz),
      };
      return { query, compute: () => answerCount(view, query) };
    };
    return this.answer("count", request.as_of, ask, (answer) => answer.series?.length ?? 0);
  }

  async top(request: api.TopRequest): Promise<api.TopAnswer> {
    const ask = (view: QueryView) => {
      const query = {
        most: wholeNumberParameter("topN", request.topN, topBounds),
        range: this.resolve(request, view),
        filter: filterParameter(request.filter, view.configs),
      };
      return { query, compute: () => answerTop(view, query) };
    };
    return this.answer("top", request.as_of, ask, (answer) => answer.ads.length);
  }

  async breakdown(request: api.BreakdownRequest): Promise<api.BreakdownAnswer> {
    const ask = (view: QueryView) => {
      const parts = {
        by: byParameter(request.by, view.configs.knownFields),
        filter: filterParameter(request.filter, view.configs),
        buckets: bucketsParameter(request.granularity, request.tz),
        order: orderParameter(request.order),
        limit: wholeNumberParameter("limit", request.limit, limitBounds),
      };
      const page = this.resolvePage(request, view, breakdownText(parts), (values) =>
        readBreakdownAfter(values, parts.by.length),
      );
      const query = { ...parts, ...page };
      return { query, compute: () => answerBreakdown(view, query) };
    };
    return this.answer("breakdown", request.as_of, ask, (answer) => answer.rows.length);
  }

  async explain(request: api.ExplainRequest): Promise<api.ExplainAnswer> {
    const ask = (view: QueryView) => {
      const parts = {
        adId: adIdParameter(request.ad_id),
        filter: filterParameter(request.filter, view.configs),
        limit: wholeNumberParameter("limit", request.limit, explainLimitBounds),
      };
      const page = this.resolvePage(request, view, explainText(parts), readExplainAfter);
      const query = { ...parts, ...page };
      return { query, compute: () => answerExplain(view, query) };
    };
    return this.answer(
      "explain",
      request.as_of,
      ask,
      (answer) => answer.clicks.length * rowsAClick,
    );
  }

  async ledger(request: api.RangeRequest): Promise<api.LedgerAnswer> {
    const range = this.resolve(request, this.state);
    const rows = await this.state.store.ledger(range.fromMinute, range.toMinute);
    this.state.kept.checkLedger(range);
    return ledgerAnswer(rows);
  }

  async restatements(request: api.RestatementsRequest): Promise<api.RestatementsAnswer> {
    const parts = {
      adId: request.ad_id === undefined ? undefined : adIdParameter(request.ad_id),
      limit: wholeNumberParameter("limit", request.limit, limitBounds),
    };
    const text = restatementsText(parts);
    const page = this.resolvePage(request, this.state, text, readRestatementsAfter);
    const answer = await answerRestatements(this.state, { ...parts, ...page });
    this.state.kept.checkCounts(page.range);
    return answer;
  }

  async quarantine(request: api.QuarantineRequest): Promise<api.QuarantineAnswer> {
    const parts = {
      adId: request.ad_id === undefined ? undefined : adIdParameter(request.ad_id),
      limit: wholeNumberParameter("limit", request.limit, explainLimitBounds),
    };
    const text = quarantineText(parts);
    const page = this.resolvePage(request, this.state, text, readExplainAfter);
    const answer = await answerQuarantine(this.state, { ...parts, ...page });
    this.state.kept.checkClicks(page.range);
    return answer;
  }

  async operation(id: string): Promise<api.OperationAnswer> {
    return operationAnswer(id, await this.state.store.operation(id));
  }

  async closes(): Promise<ClosesAnswer> {
    return answerCloses(this.state);
  }

  async statement(request: StatementRequest): Promise<StatementAnswer> {
    const ask = (view: QueryView) => {
      const range = statementRange(request);
      const parts = {
        timeZone: request.tz ?? "UTC",
        adId: request.ad_id === undefined ? undefined : adIdParameter(request.ad_id),
        limit: wholeNumberParameter("limit", request.limit, limitBounds),
      };
      const page = pageOf(range, request.cursor, statementText(parts), readStatementAfter);
      const query = { ...parts, ...page };
      return { query, compute: () => answerStatement(view, query) };
    };
    return this.answer("statement", request.as_of, ask, (answer) => answer.rows.length);
  }

  async changes(request: ChangesRequest): Promise<ChangesPage> {
    await this.reach(request.since);
    return await this.changesReader.page(request);
  }

  async ad(adId: string): Promise<api.AdAnswer> {
    const found = await this.state.store.adAttributes(adIdParameter(adId));
    if (!found)
      throw new CodedError("not_found", `ad_id: '${adId}' has no attributes`, { field: "ad_id" });
    return {
      ad_id: found.ad_id,
      attributes: found.attributes,
      valid_from: formatMinute(found.valid_from_minute),
    };
  }

  async status(): Promise<api.StatusAnswer> {
    return answerStatus(this.state, await this.options.serviceNumbers(), this.options.clock());
  }

  audit(request: recount.AuditRequest): Promise<recount.AuditAnswer> {
    return answerAudit(this.state.store, request, this.windowEnds(this.state));
  }

  recompute(request: recount.RecomputeRequest): Promise<recount.RecomputeAnswer> {
    return previewRecompute(this.state, this.windowEnds(this.state), request);
  }

  recomputeControl(request: recount.RecomputeRequest): Promise<recount.RecountPlan> {
    return planRecount(this.state, this.windowEnds(this.state), request);
  }

  recomputed(id: string): Promise<recount.RecomputeAnswer> {
    return answerRecomputed(this.state, id);
  }

  planExport(request: api.ExportRequest): Promise<api.ExportPlan> {
    return planExport(this.state, request);
  }

  committed(positions: readonly Position[], timeoutMs: number): Promise<boolean> {
    return this.options.committed.wait(positions, timeoutMs);
  }

  eraseControl(request: EraseRequest): Promise<ErasePlan> {
    return planErase(this.state.configs, request);
  }

  forgotten(positions: readonly Position[], timeoutMs: number): Promise<boolean> {
    return this.options.trimmed.wait(positions, timeoutMs);
  }

  async outcomes(
    ranges: readonly api.CommittedRows[],
  ): Promise<Readonly<Record<OutcomeName, number>>> {
    const sums = noOutcomes();
    for (const range of ranges) {
      const counts = await this.outcomesOf(range);
      for (const name of outcomeNames) sums[name] += counts[name];
    }
    return sums;
  }

  /** Who waits for outcomes asks right after the commit: then they are still in memory. */
  private async outcomesOf(range: api.CommittedRows): Promise<OutcomeCounts> {
    const { partition, offset, fromRow, toRow } = range;
    const recent = this.options.committed.outcomesOf(range, fromRow, toRow);
    if (recent)
      return Object.fromEntries(outcomeNames.map((name, i) => [name, recent[i]!])) as OutcomeCounts;
    const stored = await this.state.store.outcomesOf(partition, offset, fromRow, toRow);
    if (stored) return stored;
    const what = `record ${offset} of partition ${partition}`;
    throw new CodedError("not_found", `${what} is not committed yet`);
  }

  /** Of the present: from the cache, from an equal query that is being answered, or computed. */
  private async answer<Query, Answer extends api.Finality & AnsweredRange>(
    kind: string,
    asOfText: string | undefined,
    ask: (view: QueryView) => Asked<Query, Answer>,
    rowsOf: (answer: Answer) => number,
  ): Promise<Answer> {
    await this.reach(asOfText);
    const asOf = asOfParameter(asOfText, this.state.snapshot.asOf);
    if (asOf === undefined || asOf === this.state.snapshot.asOf) {
      const { query, compute } = ask(this.state);
      const answer = await this.cache.answer(
        JSON.stringify([kind, query]),
        compute,
        (made) => bytesARow * (4 + rowsOf(made)),
      );
      // A commit may have come in between.
      if (asOf === undefined || answer.as_of === asOf) return this.checked(answer, this.state);
    }
    const past = await PastState.open(this.state, asOf);
    const { query, compute } = ask(past);
    past.checkFinal(query.range);
    return this.checked(await compute(), past);
  }

  /** `told`: a commit's number, alone or at the beginning of a mark; what is none is refused by who reads it. */
  private async reach(told: string | undefined): Promise<void> {
    const { aheadMsMax = 0, changes } = this.options;
    const sequence = Number.parseInt(told ?? "", 10);
    if (aheadMsMax > 0 && sequence > this.state.snapshot.asOf)
      await changes.newer.wait(sequence - 1, aheadMsMax);
  }

  private checked<Answer extends AnsweredRange>(answer: Answer, view: QueryView): Promise<Answer> {
    return view.kept.checked(answer, (range) => view.layouts(range));
  }

  private resolve(parameters: RangeParameters, view: QueryView): MinuteRange {
    return resolveRange(parameters, this.windowEnds(view));
  }

  private windowEnds(view: QueryView): WindowEnds {
    const { finalThrough } = view.finality(view.snapshot);
    return { nowMs: this.options.clock(), finalThroughMinute: finalThrough };
  }

  /** The pages of a window keep to the range of the first one. `query`: what its cursors are bound to. */
  private resolvePage<After>(
    request: api.RangeRequest & { readonly cursor?: string },
    view: QueryView,
    query: string,
    readAfter: (values: readonly unknown[]) => After | undefined,
  ): Cursor<After | undefined> {
    const range = this.resolve(request, view);
    return pageOf(range, request.cursor, query, readAfter, request.window !== undefined);
  }
}
