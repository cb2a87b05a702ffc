/** The shapes of what callers send. Strict: what is not named here is refused by name. */

import type { TSchema } from "typebox";
import { Type } from "typebox";

export function strict<Properties extends Record<string, TSchema>>(properties: Properties) {
  return Type.Object(properties, { additionalProperties: false });
}

export const text = (description: string) => Type.Optional(Type.String({ description }));

const range = {
  window: text(
    "`M` minutes, or `15m`, `2h`, `7d`, `1w`; ends with the current minute. Instead of from and to",
  ),
  end: text("`final`: the window ends where minutes are final"),
  from: text("start, inclusive; RFC 3339 or epoch milliseconds; widened outward to a whole minute"),
  to: text("end, exclusive; likewise"),
};
const filter = {
  filter: text(
    "RSQL over dimensions, `ad_id` and `ad.` attributes: `country==US;device=in=(mobile,tablet)`",
  ),
};
const asOf = { as_of: text("answer as of this commit, for minutes that were final then") };
const calendar = {
  granularity: text("`minute`, `hour` or `day`"),
  tz: text("IANA time zone of hours and days, default UTC"),
};

export const RangeQuery = strict(range);

export const CountQuery = strict({ ...range, ...filter, ...calendar, ...asOf });

export const TopQuery = strict({
  topN: text("how many ads, 1 to 1000, default 10"),
  ...range,
  ...filter,
  ...asOf,
});

export const LiveQuery = strict({
  topN: text("how many ads, 1 to 1000, default 10"),
  window: text("as of `/v1/top`, default 60m; it ends with the current minute"),
  ...filter,
});

export const BreakdownQuery = strict({
  by: text("up to three fields, comma-separated: dimensions, `ad_id`, `ad.` and an attribute"),
  ...range,
  ...filter,
  ...calendar,
  ...asOf,
  order: text("`key` (the default), or `count`: the highest counts first, one page alone"),
  limit: text("rows in a page"),
  cursor: text("next_cursor of the page before"),
});

export const ExplainQuery = strict({
  ...range,
  ...filter,
  ...asOf,
  limit: text("clicks in a page, 1 to 10,000, default 100"),
  cursor: text("next_cursor of the page before"),
});

export const RestatementsQuery = strict({
  ...range,
  ad_id: text("only this ad's buckets"),
  limit: text("entries in a page, 1 to 100,000, default 1000"),
  cursor: text("next_cursor of the page before"),
});

export const QuarantineQuery = strict({
  ...range,
  ad_id: text("only this ad's clicks"),
  limit: text("clicks in a page, 1 to 10,000, default 100"),
  cursor: text("next_cursor of the page before"),
});

export const ChangesQuery = strict({
  since: text(
    "go on behind this: `since` of the last mark, or the `as_of` of any answer; default 0, all that is kept",
  ),
  filter: text("RSQL over `ad_id` and minute dimensions"),
  follow: Type.Optional(
    Type.Unsafe<"true" | "false">({
      type: "string",
      enum: ["true", "false"],
      description: "`false`: end at the present instead of going on as commits come",
    }),
  ),
});

const textOrNumber = (description?: string) =>
  Type.Optional(
    Type.Unsafe<string | number>({
      type: ["string", "integer"],
      ...(description !== undefined && { description }),
    }),
  );
const textOrList = () =>
  Type.Optional(
    Type.Unsafe<string | string[]>({ type: ["string", "array"], items: { type: "string" } }),
  );

/** Parameters may come in a JSON body too, numbers as numbers and lists as lists; no body is a body without any. */
function parametersBody<Properties extends Record<string, TSchema>>(properties: Properties) {
  const { type: _, ...schema } = strict(properties);
  return Type.Unsafe<Type.Static<ReturnType<typeof strict<Properties>>> | null>({
    ...schema,
    type: ["object", "null"],
  });
}

const rangeBody = { ...range, window: textOrNumber(), from: textOrNumber(), to: textOrNumber() };

const sampleText = "only so many minutes of the range, drawn at random; 1 to 10,000";
const seedText = "of the sample: the same draws the same minutes; the answer names it";

export const AuditQuery = strict({ ...range, sample: text(sampleText), seed: text(seedText) });

export const AuditBody = parametersBody({
  ...rangeBody,
  sample: textOrNumber(sampleText),
  seed: textOrNumber(seedText),
});

export const RecomputeBody = parametersBody({
  ...rangeBody,
  late: text("`restate` or `quarantine`: what late clicks of the range are to become"),
  apply: Type.Optional(Type.Boolean({ description: "apply it; else only say what would change" })),
  reason: text("why, for the record; needed to apply or to roll back"),
  rollback: text("instead of a range: `last`, or the id of the recompute to undo"),
});

export const BreakdownBody = parametersBody({
  ...rangeBody,
  by: textOrList(),
  ...filter,
  ...calendar,
  as_of: textOrNumber(),
  order: text("as of the query"),
  limit: textOrNumber(),
  cursor: text("next_cursor of the page before"),
});

const wait = {
  wait: Type.Optional(
    Type.Literal("counted", {
      description: "answer after the clicks are counted, with what became of them",
    }),
  ),
};

export const WaitQuery = strict(wait);

export const ImportQuery = strict({
  source: Type.String({
    pattern: "^import:.{1,200}$",
    description: "`import:` and a name, for the ledger",
  }),
  ...wait,
});

export const NoQuery = strict({});

export const AdPath = Type.Object({
  ad_id: Type.String({ description: "percent-encoded, `/` as `%2F`" }),
});

/** Left open: ad-attributes.ts checks what is in it, since it knows the declared attributes. */
export const AdBody = Type.Object(
  {
    attributes: Type.Optional(Type.Unknown()),
    valid_from: Type.Optional(
      Type.Unknown({ description: "RFC 3339 or epoch milliseconds, default now" }),
    ),
  },
  {
    additionalProperties: true,
    description:
      "Attributes by name, plain or below `attributes`; null removes one, those not named stay.",
  },
);

/** Bodies that a route checks by itself, as they are described to callers. */
export interface DocumentedBody {
  readonly content: Readonly<Record<string, { readonly schema: TSchema }>>;
}

const ClickItem = Type.Object(
  {
    ad_id: Type.String({ minLength: 1, description: "1 to 256 bytes" }),
    click_timestamp: Type.Unsafe<string | number>({
      type: ["string", "integer"],
      description: "RFC 3339 with an offset, or epoch milliseconds",
    }),
    event_id: Type.Optional(
      Type.Unsafe<string | null>({
        type: ["string", "null"],
        description: "1 to 128 bytes; derived from the fields where it is missing",
      }),
    ),
  },
  { additionalProperties: true, description: "A click, its dimensions by name" },
);

export const ClicksBody: DocumentedBody = {
  content: {
    "application/json": { schema: Type.Union([ClickItem, Type.Array(ClickItem)]) },
    "application/x-ndjson": {
      schema: Type.String({ description: "A click as JSON on each line" }),
    },
  },
};

const AdItem = Type.Object(
  { ad_id: Type.String({ minLength: 1, description: "1 to 256 bytes" }), ...AdBody.properties },
  { additionalProperties: true, description: "An ad's attributes, as for one ad" },
);

export const AdsBody: DocumentedBody = {
  content: {
    "application/json": { schema: Type.Union([AdItem, Type.Array(AdItem)]) },
    "application/x-ndjson": {
      schema: Type.String({ description: "An ad's attributes as JSON on each line" }),
    },
  },
};

export const BatchBody: DocumentedBody = {
  content: {
    "application/vnd.clicktally.click-batch": {
      schema: Type.String({ format: "binary", description: "A click batch in its binary form" }),
    },
  },
};
