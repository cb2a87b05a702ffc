/** Questions to the real query engine and to the oracle, with answers in one form. */

import { checkFilter } from "../../model/check-filter.ts";
import type { KnownFields } from "../../model/check-filter.ts";
import type { OutcomeName } from "../../model/outcome.ts";
import { outcomeNames } from "../../model/outcome.ts";
import { CodedError } from "../../model/errors.ts";
import { filterFields } from "../../model/filter.ts";
import { parseFilter } from "../../model/parse-filter.ts";
import { formatMinute, minuteMs, minutesADay } from "../../model/time.ts";
import type { FinalityStatus, QueryService } from "../../query/query-service.ts";
import type { Question } from "../history.ts";
import type { OracleQuery } from "../oracle/oracle.ts";
import { movedDimensions } from "../plan-history.ts";
import { minutesOf } from "./cells.ts";
import type { PartitionedOracle } from "./partitioned-oracle.ts";
import type { SpannedOracle } from "./spanned-oracle.ts";

/** What of an answer the oracle has a say in. */
export interface Answer {
  /** Or the refusal to tell a number as it stood that was not final, or of days that are kept no more. */
  readonly status: FinalityStatus | "as_of_provisional" | "outside_retention";
  readonly rows: readonly (readonly (string | number)[])[];
  readonly revision?: number;
}

export interface Answered {
  readonly asOf: number;
  readonly answer: Answer;
}

const topN = 3;
const limit = "10000";

/** As of the commit given, else of the present. */
export async function ask(
  query: QueryService,
  question: Question,
  asOf?: number,
): Promise<Answered> {
  try {
    return await askNow(query, question, asOf);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    if (error.code === "as_of_provisional" && asOf !== undefined)
      return { asOf, answer: { status: error.code, rows: [] } };
    if (error.code !== "outside_retention") throw error;
    // What is kept is that of the present, whatever is asked about.
    const { as_of: now, first_kept: firstKept } = error.details;
    return { asOf: now as number, answer: { status: error.code, rows: [[firstKept as string]] } };
  }
}

async function askNow(query: QueryService, question: Question, asked?: number): Promise<Answered> {
  const { fromMinute, toMinute, adId, filter } = question;
  const request = {
    from: String(fromMinute * minuteMs),
    to: String(toMinute * minuteMs),
    ...(asked !== undefined && { as_of: String(asked) }),
    ...(filter !== undefined && { filter }),
  };
  switch (question.kind) {
    case "count": {
      const found = await query.count({ ...request, ad_id: adId });
      const { count, status, revision, as_of: asOf } = found;
      return { asOf, answer: { status, revision, rows: [[count]] } };
    }
    case "top": {
      const found = await query.top({ ...request, topN: String(topN) });
      const rows = found.ads.map(({ ad_id, count }) => [ad_id, count]);
      return { asOf: found.as_of, answer: { status: found.status, rows } };
    }
    case "cells": {
      const cells = { ...request, by: "ad_id", granularity: "minute", limit };
      const found = await query.breakdown(cells);
      const rows = found.rows.map((row) => [row["start"]!, row["ad_id"]!, row["count"]!]);
      return { asOf: found.as_of, answer: { status: found.status, rows } };
    }
    case "explain": {
      const found = await query.explain({ ...request, ad_id: adId, limit });
      const clicks = found.clicks.map((click) => [
        click.click_timestamp,
        click.partition,
        click.offset,
        click.row,
        click.event_id,
        click.outcome,
      ]);
      const outcomes = outcomeNames.map((name) => found.outcomes[name]);
      const { status, revision } = found;
      return {
        asOf: found.as_of,
        answer: { status, revision, rows: [[found.count, ...outcomes], ...clicks] },
      };
    }
  }
}

/** The oracle's answer, as of where it stands. `found`: what was answered, for more than one answer may be right. */
export function expectedAnswer(
  oracle: PartitionedOracle,
  question: Question,
  known: KnownFields,
  found: Answer,
): Answer {
  const { kind, fromMinute, toMinute, adId } = question;
  const filter = question.filter && checkFilter(parseFilter(question.filter), known);
  const query: OracleQuery = { fromMinute, toMinute, ...(filter && { filter }) };
  const refusal = refusalOf(oracle, query, kind === "explain", found);
  if (refusal) return refusal;
  const sealed = oracle.sealed();
  const status = (ad?: string): FinalityStatus => {
    if (toMinute <= sealed.closedThrough) return "closed";
    if (!oracle.isFinal(toMinute - 1)) return "provisional";
    return revisionOf(sealed, query, ad) > 0 ? "restated" : "final";
  };
  switch (kind) {
    case "count":
      return {
        status: status(adId),
        revision: revisionOf(sealed, query, adId),
        rows: [[sealed.count({ ...query, adId })]],
      };
    case "top":
      return {
        status: status(),
        rows: sealed.top(topN, query).map(({ group, count }) => [group[0]!, count]),
      };
    case "cells": {
      const rows = sealed
        .breakdown(query, ["ad_id"], minutesOf(question))
        .map(({ bucketStart, group, count }) => [formatMinute(bucketStart), group[0]!, count]);
      return { status: status(), rows };
    }
    case "explain":
      return {
        status: status(adId),
        revision: revisionOf(sealed, query, adId),
        rows: explainedRows(sealed, query, adId),
      };
  }
}

/** What a query has to be refused for; undefined where it may be answered. */
function refusalOf(
  { dropped }: PartitionedOracle,
  { fromMinute, toMinute, filter }: OracleQuery,
  ofClicks: boolean,
  found: Answer,
): Answer | undefined {
  // Histories move these to the minutes and back, and a recompute their past too: there clicks are needed or not.
  const hasMoved = !filterFields(filter).isDisjointFrom(movedDimensions);
  const needsClicks = ofClicks || (hasMoved && found.status === "outside_retention");
  for (const days of needsClicks ? [dropped.minutes, dropped.raw] : [dropped.minutes]) {
    const reached = [...days].filter(
      (day) => (day + 1) * minutesADay > fromMinute && day * minutesADay < toMinute,
    );
    if (reached.length === 0) continue;
    const firstKept = formatMinute((Math.max(...reached) + 1) * minutesADay);
    return { status: "outside_retention", rows: [[firstKept]] };
  }
  return undefined;
}

function revisionOf(oracle: SpannedOracle, query: OracleQuery, adId?: string): number {
  const { fromMinute, toMinute } = query;
  return oracle.journal.filter(
    (entry) =>
      entry.minute >= fromMinute &&
      entry.minute < toMinute &&
      (adId === undefined || entry.adId === adId),
  ).length;
}

function explainedRows(
  oracle: SpannedOracle,
  query: OracleQuery,
  adId: string,
): (string | number)[][] {
  const clicks = oracle.clicks.flatMap((all, partition) =>
    all
      .filter(
        (click) =>
          click.adId === adId && click.minute >= query.fromMinute && click.minute < query.toMinute,
      )
      .filter(
        (click) => query.filter === undefined || oracle.matches(partition, query.filter, click),
      )
      .map((click) => ({ partition, click })),
  );
  const inOrder = clicks.toSorted(
    (a, b) =>
      a.click.time - b.click.time ||
      a.partition - b.partition ||
      a.click.offset - b.click.offset ||
      a.click.row - b.click.row,
  );
  const countOf = (name: OutcomeName): number =>
    clicks.filter(({ click }) => click.outcome === name).length;
  return [
    [countOf("counted") + countOf("restated"), ...outcomeNames.map(countOf)],
    ...inOrder.map(({ partition, click }) => [
      new Date(click.time).toISOString(),
      partition,
      click.offset,
      click.row,
      click.eventId,
      click.outcome,
    ]),
  ];
}
