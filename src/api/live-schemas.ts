/** The shapes of what the dashboard asks beyond what everybody does. */

import { Type } from "typebox";
import type { Dimension } from "../model/dimensions.ts";
import { problemResponses, schemaOf, time, TopAnswerSchema } from "./answer-schemas.ts";
import { StatusAnswerSchema } from "./status-schemas.ts";
import type { LiveAnswer } from "./live-feed.ts";

const LiveAnswerSchema = schemaOf<LiveAnswer>()(
  Type.Object({
    at: time("of the service's clock"),
    clicks_a_second: Type.Unsafe<number | null>({
      type: ["number", "null"],
      description: "received, over the last seconds; null at first",
    }),
    status: StatusAnswerSchema,
    top: TopAnswerSchema,
  }),
);

export const liveResponses = {
  200: {
    description: "Events `live`, whose data has this shape, and `problem` (RFC 9457).",
    content: { "text/event-stream": { schema: LiveAnswerSchema } },
  },
  ...problemResponses,
};

export interface DimensionsAnswer {
  readonly dimensions: readonly Dimension[];
  /** Declared attributes of ads, used as `ad.NAME`. */
  readonly ads: readonly string[];
}

export const DimensionsAnswerSchema = schemaOf<DimensionsAnswer>()(
  Type.Object({
    dimensions: Type.Array(
      Type.Object({
        name: Type.String(),
        in: Type.Unsafe<Dimension["in"]>({
          type: "string",
          enum: ["minute", "raw"],
          description: "the store that answers filters on it: minute at once, raw more slowly",
        }),
        type: Type.Unsafe<Dimension["type"]>({ type: "string", enum: ["string", "ip", "country"] }),
        store: Type.Optional(
          Type.Unsafe<NonNullable<Dimension["store"]>>({
            type: "string",
            enum: ["hashed", "truncated"],
            description: "values are shown so; filters take the plain ones too. Absent: plain",
          }),
        ),
      }),
    ),
    ads: Type.Array(Type.String(), { description: "attributes of ads, used as `ad.NAME`" }),
  }),
);
