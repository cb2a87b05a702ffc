/** The shapes of billing: closes and statements. */

import { Type } from "typebox";
import type { CloseAnswer, ClosesAnswer, StatementAnswer } from "../query/billing.ts";
import {
  finality,
  finalityStatus,
  nullableText,
  problemResponses,
  schemaOf,
  time,
  whole,
} from "./answer-schemas.ts";
import { operationMembers, operationResponses } from "./operation-schemas.ts";
import { strict, text } from "./request-schemas.ts";

export const CloseBody = strict({
  through: Type.Unsafe<string | number>({
    type: ["string", "integer"],
    description:
      "all minutes before this are closed: a date of the zone (its beginning), RFC 3339, or epoch milliseconds",
  }),
  tz: text("IANA time zone that the period is of, default UTC"),
  id: operationMembers.id,
});

const CloseAnswerSchema = schemaOf<CloseAnswer>()(
  Type.Object({
    through: time("all minutes before this are closed"),
    tz: Type.String(),
    already_closed: Type.Boolean({ description: "by an earlier close, which reaches as far" }),
    as_of: whole("the commit that the numbers are as of"),
  }),
);

export const closeResponses = {
  200: CloseAnswerSchema,
  202: operationResponses[202],
  ...problemResponses,
};

export const ClosesAnswerSchema = schemaOf<ClosesAnswer>()(
  Type.Object({
    closed_through: nullableText("all minutes before this are closed; null where none is"),
    as_of: whole("the commit this was told at"),
    closes: Type.Array(
      Type.Object({
        id: Type.String({ description: "of the operation" }),
        through: time("all minutes before this"),
        tz: Type.String({ description: "that the period was named in" }),
        received_at: time("when the close was received"),
        as_of: whole("the commit that its numbers are as of"),
      }),
      { description: "by through" },
    ),
  }),
);

export const StatementQuery = strict({
  from: text("start: a date of the zone, RFC 3339 or epoch milliseconds; widened to whole days"),
  to: text("end, exclusive, likewise"),
  tz: text("IANA time zone of the days, default UTC"),
  ad_id: text("only this ad"),
  as_of: text("answer as of this commit, for days that were final then"),
  limit: text("rows in a page, 1 to 100,000, default 1000"),
  cursor: text("next_cursor of the page before"),
});

export const StatementAnswerSchema = schemaOf<StatementAnswer>()(
  Type.Object({
    from: time("start of the first day"),
    to: time("end of the last day, exclusive"),
    tz: Type.String(),
    ad_id: nullableText("null for all ads"),
    rows: Type.Array(
      Type.Object({
        ad_id: Type.String(),
        day: Type.String({ description: "a date of the zone" }),
        zone: Type.String(),
        count: whole("clicks to be billed"),
        status: finalityStatus(),
        as_of: whole("the commit the count is as of: of a closed day that of its close"),
        adjustments: Type.Integer({
          description: "net clicks that came to light after the close and are not in the count",
        }),
      }),
      { description: "by day and ad_id" },
    ),
    next_cursor: nullableText("for the next page; null at the end"),
    ...finality,
  }),
);
