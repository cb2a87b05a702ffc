import { toldPartition } from "../model/partition.ts";
import { formatMinute, formatTime } from "../model/time.ts";
import type { MinuteRange } from "../model/window.ts";
import type { ClickPlace, ListedClick, StoredClick } from "../store/click-store.ts";
import { formatCursor, isWholeNumber } from "./cursor.ts";
import type { KeptData } from "./kept-data.ts";
import type { CheckedFilter } from "./parameters.ts";
import type { ExplainAnswer, ExplainedClick, RecordedClick } from "./query-service.ts";
import type { QueryView } from "./query-view.ts";

export interface ExplainQuery {
  readonly adId: string;
  readonly range: MinuteRange;
  readonly filter: CheckedFilter | undefined;
  readonly limit: number;
  readonly after: ClickPlace | undefined;
}

/** What a cursor of the query is bound to: all that its pages have in common but the range. */
export function explainText({ adId, filter }: Pick<ExplainQuery, "adId" | "filter">): string {
  return JSON.stringify(["explain", adId, filter?.text]);
}

/** From the values in a cursor; undefined where they can't be the place of a click. */
export function readExplainAfter(values: readonly unknown[]): ClickPlace | undefined {
  const [clickTimestampMs, partition, offset, row, ...rest] = values;
  if (!isWholeNumber(clickTimestampMs) || !isWholeNumber(partition)) return undefined;
  if (!isWholeNumber(offset) || !isWholeNumber(row) || rest.length > 0) return undefined;
  return { clickTimestampMs, partition, offset, row };
}

/** Clicks of every outcome, so that a number's why and why not can be told. */
export async function answerExplain(view: QueryView, query: ExplainQuery): Promise<ExplainAnswer> {
  const { adId, range, filter, limit, after } = query;
  const dimensions = [...view.configs.knownFields.keys()].filter(
    (field) => field !== "ad_id" && !field.startsWith("ad."),
  );
  const page = await view.clicks({
    ...range,
    adId,
    dimensions,
    // One more tells whether there is a next page.
    limit: limit + 1,
    ...(filter && { filter: filter.filter }),
    ...(after && { after }),
  });
  const finality = view.finality(page);
  const restated = await view.restated(range, page, adId);
  const clicks = page.clicks.slice(0, limit);
  const last = page.clicks.length > limit ? clicks.at(-1) : undefined;
  return {
    ad_id: adId,
    from: formatMinute(range.fromMinute),
    to: formatMinute(range.toMinute),
    filter: filter?.text ?? null,
    count: page.outcomes.counted + page.outcomes.restated,
    revision: restated.summarize(range).revision,
    ...finality.fields(range, restated),
    outcomes: page.outcomes,
    dimensions,
    clicks: clicks.map((click) => explainedClick(click, view.kept)),
    next_cursor: last ? formatCursor(range, placeOf(last), explainText(query)) : null,
  };
}

export function placeOf({
  clickTimestampMs,
  partition,
  offset,
  row,
}: ClickPlace): readonly number[] {
  return [clickTimestampMs, partition, offset, row];
}

function explainedClick(click: ListedClick, kept: KeptData): ExplainedClick {
  const original = click.original && recordedClick(click.original);
  return {
    event_id: click.eventId,
    ...recordedClick(click),
    dimensions: click.dimensions,
    original: original && kept.keepsClickAt(original.click_timestamp) ? original : null,
  };
}

export function recordedClick(click: StoredClick): RecordedClick {
  return {
    click_timestamp: formatTime(click.clickTimestampMs),
    received_at: formatTime(click.receivedAtMs),
    outcome: click.outcome,
    source: click.source,
    partition: toldPartition(click.partition),
    offset: click.offset,
    row: click.row,
  };
}
