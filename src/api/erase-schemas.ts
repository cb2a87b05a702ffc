/** The shapes of erasing. */

import { Type } from "typebox";
import { dimensionValueBytesMax } from "../model/click.ts";
import type { EraseAnswer } from "../query/erase-plan.ts";
import { nullableText, problemResponses, schemaOf } from "./answer-schemas.ts";
import {
  operationAnswerMembers,
  operationMembers,
  PendingOperationSchema,
} from "./operation-schemas.ts";
import { strict } from "./request-schemas.ts";

/** A body may name so many; who has more sends several, under one id. */
const valuesMax = 1_000;

export const EraseBody = strict({
  field: Type.String({ minLength: 1, description: "a dimension: `user_id`, `ip`, …" }),
  values: Type.Array(Type.String({ minLength: 1, maxLength: dimensionValueBytesMax }), {
    minItems: 1,
    maxItems: valuesMax,
    description: "of these users, addresses, …",
  }),
  ...operationMembers,
});

/** What an erasure does not reach. */
export const notCovered = ["backups", "exports"] as const;

const EraseAnswerSchema = schemaOf<EraseAnswer>()(
  Type.Object({
    ...operationAnswerMembers,
    queue_forgotten_at: nullableText(
      "from when on the click queue holds none of it; null where it will with a checkpoint to come: ask again",
    ),
    not_covered: Type.Array(Type.String(), {
      description: "what holds it still, where it was made before",
    }),
  }),
);

export const eraseResponses = {
  200: EraseAnswerSchema,
  202: PendingOperationSchema,
  ...problemResponses,
};
