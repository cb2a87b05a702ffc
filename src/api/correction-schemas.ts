/** The shapes of corrections: void, release, what is in quarantine. */

import { Type } from "typebox";
import { adIdBytesMax, eventIdBytesMax } from "../model/click.ts";
import type { QuarantineAnswer } from "../query/query-service.ts";
import { nullableText, recordedClick, schemaOf, time } from "./answer-schemas.ts";
import { operationMembers } from "./operation-schemas.ts";
import { strict } from "./request-schemas.ts";

/** A body may be so long; who has more sends several, under one id. */
const identitiesMax = 10_000;
const adId = Type.String({ minLength: 1, maxLength: adIdBytesMax });
const moment = (description: string) =>
  Type.Unsafe<string | number>({ type: ["string", "integer"], description });

export const VoidBody = strict({
  identities: Type.Array(
    strict({
      ad_id: adId,
      event_id: Type.String({
        minLength: 1,
        maxLength: eventIdBytesMax,
        description: "as explain shows it",
      }),
    }),
    { minItems: 1, maxItems: identitiesMax },
  ),
  ...operationMembers,
  undo: Type.Optional(Type.Boolean({ description: "takes voids of these clicks back" })),
});

export const ReleaseBody = strict({
  from: moment("start of the event times, inclusive; RFC 3339 or epoch milliseconds"),
  to: moment("their end, exclusive"),
  ad_id: Type.Optional(adId),
  ...operationMembers,
});

export const QuarantineAnswerSchema = schemaOf<QuarantineAnswer>()(
  Type.Object({
    ad_id: nullableText("null for all ads"),
    from: time("inclusive"),
    to: time("exclusive"),
    rows: Type.Array(
      Type.Object({ ad_id: Type.String(), event_id: Type.String(), ...recordedClick }),
      { description: "by click_timestamp, then partition, offset and row" },
    ),
    next_cursor: nullableText("for the next page; null at the end"),
  }),
);
