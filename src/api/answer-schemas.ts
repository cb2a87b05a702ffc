/** The shapes of answers. The serialiser drops what a schema does not name, so each must hold all of its contract. */

import type { Static, TSchema } from "typebox";
import { Type } from "typebox";
import type { IngestAnswer } from "../ingest/ingest-service.ts";
import { restatementReasons } from "../model/commit.ts";
import { outcomeNames } from "../model/outcome.ts";
import type { OutcomeName } from "../model/outcome.ts";
import type {
  AdAnswer,
  BreakdownAnswer,
  CountAnswer,
  ExplainAnswer,
  ExplainedClick,
  FinalityStatus,
  LedgerAnswer,
  RestatementsAnswer,
  TopAnswer,
} from "../query/query-service.ts";
import type { AuditAnswer, RecomputeAnswer } from "../query/recount.ts";

/** Does not compile where the schema lacks something of the contract. */
export function schemaOf<Contract>() {
  type Missing<Schema extends TSchema> = keyof Contract extends keyof Static<Schema>
    ? Static<Schema> extends Contract
      ? []
      : ["a member of another type"]
    : ["a member that is missing", Exclude<keyof Contract, keyof Static<Schema>>];
  return <Schema extends TSchema>(schema: Schema, ..._missing: Missing<Schema>): Schema => schema;
}

// A list of types is serialised without trying each branch, as anyOf would be.
export const nullableText = (description?: string) =>
  Type.Unsafe<string | null>({
    type: ["string", "null"],
    ...(description === undefined ? {} : { description }),
  });
export const nullableNumber = () => Type.Unsafe<number | null>({ type: ["number", "null"] });
export const nullableWhole = (description: string) =>
  Type.Unsafe<number | null>({ type: ["integer", "null"], description });
const cell = () => Type.Unsafe<string | number | null>({ type: ["string", "number", "null"] });
export const oneOf = <Text extends string>(values: readonly Text[], description?: string) =>
  Type.Unsafe<Text>({
    type: "string",
    enum: values,
    ...(description === undefined ? {} : { description }),
  });
export const whole = (description?: string) =>
  Type.Integer(description === undefined ? {} : { description });
export const time = (description: string) =>
  Type.String({ description: `${description}; RFC 3339` });
export const nullableTime = (description: string) => nullableText(`${description}; RFC 3339`);

const outcomesOnceCounted = {
  counted: Type.Optional(whole("with wait=counted")),
  duplicates: Type.Optional(whole("with wait=counted")),
  restated: Type.Optional(whole("with wait=counted")),
  quarantined: Type.Optional(whole("with wait=counted")),
  expired: Type.Optional(whole("with wait=counted")),
};

export const ClicksAnswerSchema = schemaOf<Omit<IngestAnswer, "ranges">>()(
  Type.Object({
    received: whole(),
    accepted: whole(),
    rejected: whole(),
    derived_ids: whole("accepted clicks whose event_id was derived"),
    errors: Type.Array(
      Type.Object({
        index: whole("position of the item in the body, from 0"),
        field: Type.Optional(Type.String()),
        code: Type.Unsafe<IngestAnswer["errors"][number]["code"]>({ type: "string" }),
        message: Type.String(),
      }),
      { description: "the first 100" },
    ),
    ...outcomesOnceCounted,
  }),
);

export const ImportAnswerSchema = Type.Object({
  received: whole(),
  positions: Type.Array(Type.Object({ partition: whole(), offset: whole() })),
  ...outcomesOnceCounted,
});

export const finalityStatus = () =>
  oneOf<FinalityStatus>(
    ["provisional", "final", "restated", "closed"],
    "provisional if any minute is, else restated if any is, else final",
  );

export const finality = {
  status: finalityStatus(),
  final_through: nullableTime("minutes before this are final"),
  watermark: nullableTime("of the service"),
  as_of: whole("the commit this was computed at"),
};

const answeredRange = {
  from: time("start of the effective range, inclusive"),
  to: time("its end, exclusive"),
  filter: nullableText("in its canonical form"),
};

export const CountAnswerSchema = schemaOf<CountAnswer>()(
  Type.Object({
    ad_id: Type.String(),
    ...answeredRange,
    count: whole(),
    ...finality,
    revision: whole("rises with every restatement of the range"),
    series: Type.Optional(
      Type.Array(
        Type.Object({
          start: time("of the bucket"),
          count: whole(),
          status: finalityStatus(),
          revision: whole(),
        }),
      ),
    ),
  }),
);

export const TopAnswerSchema = schemaOf<TopAnswer>()(
  Type.Object({
    ...answeredRange,
    ads: Type.Array(Type.Object({ rank: whole("from 1"), ad_id: Type.String(), count: whole() })),
    ...finality,
  }),
);

export const BreakdownAnswerSchema = schemaOf<BreakdownAnswer>()(
  Type.Object({
    ...answeredRange,
    by: Type.Array(Type.String()),
    rows: Type.Array(Type.Record(Type.String(), cell())),
    next_cursor: nullableText("for the next page; null at the end"),
    ...finality,
  }),
);

const outcomeNumbers = {
  counted: whole(),
  duplicate: whole(),
  restated: whole(),
  quarantined: whole(),
  expired: whole(),
  invalid: whole(),
  voided: whole(),
} satisfies Record<OutcomeName, TSchema>;

export const recordedClick = {
  click_timestamp: time("of the click itself"),
  received_at: time("when it was appended to the log"),
  outcome: oneOf<OutcomeName>(outcomeNames),
  source: Type.String(),
  partition: whole("of the log"),
  offset: whole("of its record in the partition"),
  row: whole("in the record"),
};

export const ExplainAnswerSchema = schemaOf<ExplainAnswer>()(
  Type.Object({
    ad_id: Type.String(),
    ...answeredRange,
    count: whole("the counted and the restated clicks"),
    ...finality,
    revision: whole("rises with every restatement of the range"),
    outcomes: Type.Object(outcomeNumbers, {
      description: "of all clicks that match, on whichever page",
    }),
    dimensions: Type.Array(Type.String(), { description: "the names of all dimensions" }),
    clicks: Type.Array(
      Type.Object({
        event_id: Type.String(),
        ...recordedClick,
        dimensions: Type.Record(Type.String(), nullableText()),
        original: Type.Unsafe<ExplainedClick["original"]>({
          ...Type.Object(recordedClick),
          type: ["object", "null"],
          description:
            "of a duplicate: the recorded click that it repeats, null where that is not kept any more",
        }),
      }),
      { description: "by click_timestamp, then partition, offset and row" },
    ),
    next_cursor: nullableText("for the next page; null at the end"),
  }),
);

export const ledgerNumbers = { received: whole(), ...outcomeNumbers };

export const LedgerAnswerSchema = schemaOf<LedgerAnswer>()(
  Type.Object({
    rows: Type.Array(
      Type.Object({ minute: time("of receipt"), source: Type.String(), ...ledgerNumbers }),
    ),
    total: Type.Object(ledgerNumbers),
    balanced: Type.Boolean({ description: "received is the sum of the outcomes, in every row" }),
  }),
);

export const RestatementsAnswerSchema = schemaOf<RestatementsAnswer>()(
  Type.Object({
    ad_id: nullableText("null for all ads"),
    from: answeredRange.from,
    to: answeredRange.to,
    as_of: whole("the last commit whose restatements are in it"),
    rows: Type.Array(
      Type.Object({
        minute: time("start of the bucket"),
        ad_id: Type.String(),
        before: whole("clicks"),
        after: whole("clicks"),
        revision: whole("of the bucket, from 1"),
        reason: oneOf(
          restatementReasons,
          "a click that came after the bucket was final, an import of the past, a correction, or a recompute",
        ),
        received_at: time("when the clicks that changed it were received"),
        as_of: whole("the commit that changed it"),
      }),
      { description: "by minute, ad_id and revision" },
    ),
    next_cursor: nullableText("for the next page; null at the end"),
  }),
);

export const AdAnswerSchema = schemaOf<AdAnswer>()(
  Type.Object({
    ad_id: Type.String(),
    attributes: Type.Record(Type.String(), Type.String()),
    valid_from: time("the minute the attributes hold from"),
  }),
);

export const AdChangeAnswerSchema = Type.Object({
  ad_id: Type.String(),
  attributes: Type.Record(Type.String(), nullableText()),
  valid_from: time("the minute the attributes hold from"),
});

export const AdsChangeAnswerSchema = Type.Object({ received: whole(), accepted: whole() });

export const auditDifferences = () => Type.Array(Type.Record(Type.String(), cell()));

export const AuditAnswerSchema = schemaOf<AuditAnswer>()(
  Type.Object({
    from: nullableText(),
    to: nullableText(),
    checked_minutes: whole("of the range all, or those of the sample"),
    seed: nullableWhole("of the sample; null where the whole range was checked"),
    compared_rows: whole(),
    compared_clicks: whole(),
    differing_rows: whole(),
    differences: auditDifferences(),
    ledger_balanced: Type.Boolean(),
    days_left_out: Type.Array(Type.String()),
    as_of: whole(),
  }),
);

export const RecomputeAnswerSchema = schemaOf<RecomputeAnswer>()(
  Type.Object({
    action: oneOf(["preview", "recompute", "rollback"]),
    id: nullableText("of what was applied, or is being applied"),
    from: time("start of the minutes"),
    to: time("their end"),
    rows: whole("minute rows that differ, or did"),
    buckets: whole("ads' minutes whose count changes"),
    clicks: whole("clicks whose outcome changes"),
    change: whole("of the sum of all counts"),
    differences: Type.Array(
      Type.Object({
        minute: time("the bucket"),
        ad_id: Type.String(),
        before: whole(),
        after: whole(),
      }),
      { description: "of a preview, at most 1000" },
    ),
    as_of: whole(),
  }),
);

/** It is in the log and will be applied. */
export const RecomputeAcceptedSchema = Type.Object({ id: Type.String() });

export const HealthAnswerSchema = Type.Object({ status: Type.String() });

const ProblemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: whole(),
    detail: Type.String(),
    code: Type.String({ description: "stable" }),
    field: Type.Optional(Type.String({ description: "what was wrong" })),
  },
  { additionalProperties: true },
);

const problem = {
  description: "A problem (RFC 9457)",
  content: { "application/problem+json": { schema: ProblemSchema } },
};

/** What every route may answer. */
export const problemResponses = { "4xx": problem, "5xx": problem };

/** What every route may answer but the probes. */
export const limitResponse = {
  429: {
    ...problem,
    description: "More requests than one may send; `Retry-After` says when to go on (RFC 9457)",
  },
};

/** What every route may answer that needs a key. */
export const keyResponses = {
  401: { ...problem, description: "No key, or not a right one; a problem (RFC 9457)" },
  403: { ...problem, description: "The key has not the scope for this; a problem (RFC 9457)" },
};

/** Nothing of a body was accepted, or the body as a whole was refused. */
export const refusedClicksResponse = {
  description: "Nothing was accepted; a problem (RFC 9457) where the body as a whole is wrong",
  content: { "application/json": { schema: ClicksAnswerSchema }, ...problem.content },
};

/** A table, as JSON or as CSV. */
export function tabularResponses(schema: TSchema) {
  return {
    200: {
      description:
        "As JSON; or, where the caller prefers `text/csv`, as CSV (RFC 4180, exact values) with what stands beside " +
        "the rows in `X-Clicktally-…` headers.",
      content: { "application/json": { schema }, "text/csv": { schema: Type.String() } },
    },
    ...problemResponses,
  };
}

/** A line of changes: a row with the minute's dimensions, or a mark. */
const ChangesLineSchema = Type.Union([
  Type.Object(
    {
      minute: time("start of the minute"),
      ad_id: Type.String(),
      count: whole("all clicks of the minute, ad and dimensions; 0 where none is left"),
      as_of: whole("the commit that changed it last"),
    },
    { additionalProperties: nullableText("a dimension of the minute; null where missing") },
  ),
  Type.Object(
    {
      as_of: whole("everything up to this commit has been told"),
      since: Type.String({ description: "goes on behind it" }),
    },
    { additionalProperties: false },
  ),
]);

export const changesResponses = {
  200: {
    description:
      "Rows and marks, a line each; or, where the caller prefers `text/event-stream`, the same as events, of which " +
      "marks have the id that `Last-Event-ID` goes on behind.",
    content: {
      "application/x-ndjson": { schema: ChangesLineSchema },
      "text/event-stream": { schema: Type.String() },
    },
  },
  ...problemResponses,
};
