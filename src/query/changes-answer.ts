import type { Commit } from "../model/commit.ts";
import { movesCounts } from "../model/commit.ts";
import type { KnownFields } from "../model/check-filter.ts";
import { CodedError } from "../model/errors.ts";
import type { Filter } from "../model/filter.ts";
import { filterFields } from "../model/filter.ts";
import { formatMinute } from "../model/time.ts";
import type { MinuteRange } from "../model/window.ts";
import type { ChangedCount, ChangesQuery } from "../store/changes.ts";
import { ChangedMinutes } from "./changed-minutes.ts";
import { formatSince, parseSince, startOver } from "./changes-mark.ts";
import type { ChangedRow, ChangesPage, ChangesPlace, ChangesRequest } from "./changes-page.ts";
import { filterParameter } from "./parameters.ts";
import type { QueryState } from "./query-state.ts";

interface NewerCommits {
  /** True once a later commit than `sequence` is applied, false where `timeoutMs` is over before. */
  wait(sequence: number, timeoutMs: number): Promise<boolean>;
}

/** What the reader of changes needs of the engine it is part of. */
export interface ChangesSupport {
  readonly newer: NewerCommits;
  /** Where it reads the store: in turn with all others that follow, and no more than leaves room for other work. */
  readonly turns: { take<T>(read: () => Promise<T>): Promise<T> };
}

type Rest = NonNullable<ChangesPlace["rest"]>;

/** Rows in a page: some 100 bytes each. */
const pageRowsMax = 5_000;
/** Minutes that the first page of a round looks at; later ones at more or fewer, as they were filled. */
const firstSpan = 60;

/**
 * Tells what commits changed, in rounds. A round begins at the last commit that there is, and tells, minute by
 * minute, every count with a row of a commit after `since`, as it is when its page is read. Values are absolute, so
 * that it is no harm to tell of a later commit too; with the last page the round's own commit is what has been told.
 */
export class ChangesReader {
  private readonly state: QueryState;
  private readonly support: ChangesSupport;
  private readonly changed: ChangedMinutes;
  /** The last commit that moved counts of earlier ones; of those since the start, before which nobody followed. */
  private startedOverAt = 0;
  /** Under way, by what they are of. */
  private readonly reads = new Map<string, Promise<readonly ChangedCount[]>>();

  constructor(state: QueryState, support: ChangesSupport) {
    this.state = state;
    this.support = support;
    this.changed = new ChangedMinutes(state.snapshot.asOf);
  }

  /** To be called after the state has applied it. */
  apply(commit: Commit): void {
    this.changed.apply(commit);
    if (movesCounts(commit)) this.startedOverAt = commit.sequence;
  }

  async page(request: ChangesRequest): Promise<ChangesPage> {
    const { since = "0", place, waitMs = 0 } = request;
    const filter = this.filterOf(request.filter);
    const limit = Math.min(request.limit ?? pageRowsMax, pageRowsMax);
    if (place && !place.rest && !(await this.support.newer.wait(place.since, waitMs)))
      return { rows: [], place };
    if (place?.rest) return this.next(place.since, place.rest, filter, limit);
    const sequence = place?.since ?? (await this.parse(since));
    return this.next(sequence, await this.begin(sequence), filter, limit);
  }

  private async parse(since: string): Promise<number> {
    // Before: what was committed since then may have begun a history that is not read yet.
    const current = this.state.snapshot.asOf;
    return parseSince(since, current, await this.state.store.histories());
  }

  private async begin(since: number): Promise<Rest> {
    const upTo = this.state.snapshot.asOf;
    // Not before: what is looked at must hold all that the commits up to there touched.
    const range = this.changed.after(since) ?? (await this.keptRange());
    return { upTo, range, span: firstSpan };
  }

  private async keptRange(): Promise<MinuteRange> {
    const extent = await this.state.store.extent();
    if (!extent) return { fromMinute: 0, toMinute: 0 };
    return { fromMinute: extent.firstMinute, toMinute: extent.lastMinute + 1 };
  }

  /** The next rows of a round, or none where the minutes it looks at have none. */
  private async next(
    since: number,
    rest: Rest,
    filter: Filter | undefined,
    limit: number,
  ): Promise<ChangesPage> {
    this.checkGoesOn(since, rest);
    const { fromMinute, toMinute } = rest.range;
    if (fromMinute >= toMinute) return this.end([], rest.upTo);
    const endMinute = Math.min(toMinute, fromMinute + rest.span);
    const changes = await this.read(rest.upTo, {
      since,
      fromMinute,
      toMinute: endMinute,
      limit,
      ...(filter && { filter }),
      ...(rest.after && { after: rest.after }),
    });
    const rows = changes
      .filter(({ place }) => this.state.kept.keepsCounts(place.minute))
      .map((change) => this.rowOf(change));
    if (changes.length === limit) {
      const after = changes.at(-1)!.place;
      const range = { fromMinute: after.minute, toMinute };
      const span = Math.max(1, Math.floor(rest.span / 2));
      return { rows, place: { since, rest: { ...rest, range, after, span } } };
    }
    if (endMinute === toMinute) return this.end(rows, rest.upTo);
    const span = changes.length < limit / 2 ? rest.span * 2 : rest.span;
    const range = { fromMinute: endMinute, toMinute };
    return { rows, place: { since, rest: { upTo: rest.upTo, range, span } } };
  }

  /** Who begins from nothing must not have read some counts before they were moved and some after. */
  private checkGoesOn(since: number, { upTo }: Rest): void {
    const told = since === 0 ? upTo : since;
    if (told < this.startedOverAt) throw startOver(told, this.state.snapshot.asOf);
  }

  private async end(rows: readonly ChangedRow[], upTo: number): Promise<ChangesPage> {
    const since = formatSince(upTo, await this.state.store.histories());
    return { rows, mark: { as_of: upTo, since }, place: { since: upTo } };
  }

  /**
   * Who follows without falling behind asks at each commit what all others ask who do. `upTo`: of the round, so that
   * nobody is given what was read before the commit that the round will have told.
   */
  private read(upTo: number, query: ChangesQuery): Promise<readonly ChangedCount[]> {
    const key = JSON.stringify([upTo, query]);
    let read = this.reads.get(key);
    if (!read) {
      read = this.support.turns.take(() => this.state.store.changes(query));
      this.reads.set(key, read);
      const end = (): unknown => this.reads.delete(key);
      read.then(end, end);
    }
    return read;
  }

  private rowOf({ place, adId, dimensions, count, asOf }: ChangedCount): ChangedRow {
    // Those of before a recompute too: without them a row that is gone could be taken for one that is there.
    const names = new Set([
      ...this.state.configs.minuteDimensionNames(place.minute),
      ...Object.keys(dimensions).filter((name) => dimensions[name] !== null),
    ]);
    return {
      minute: formatMinute(place.minute),
      ad_id: adId,
      ...Object.fromEntries([...names].map((name) => [memberOf(name), dimensions[name] ?? null])),
      count,
      as_of: asOf,
    };
  }

  private filterOf(text: string | undefined): Filter | undefined {
    const { configs } = this.state;
    const filter = filterParameter(text, configs)?.filter;
    for (const field of filterFields(filter)) checkMinuteField(field, configs.minuteFields);
    return filter;
  }
}

/** A filter by anything else would pass over counts whose clicks or attributes change, and never take them back. */
function checkMinuteField(field: string, allowed: KnownFields): void {
  if (allowed.has(field)) return;
  const names = [...allowed.keys()];
  throw new CodedError(
    "unknown_dimension",
    `filter: changes are told by minute, so '${field}' can't be asked for; allowed: ${names.join(", ")}`,
    { field: "filter", details: { unknown: field, known: names } },
  );
}

const rowMembers: ReadonlySet<string> = new Set(["minute", "count", "as_of"]);

/** A dimension may have any name, also that of another member. */
function memberOf(dimension: string): string {
  return rowMembers.has(dimension) ? `dimensions.${dimension}` : dimension;
}
