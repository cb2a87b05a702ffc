/** What all operations have in common: how they are asked for, and what came of them. */

import { Type } from "typebox";
import type { OperationAnswer } from "../query/query-service.ts";
import { problemResponses, schemaOf, time, whole } from "./answer-schemas.ts";

const reason = Type.String({
  minLength: 1,
  maxLength: 500,
  description: "why; kept with the operation",
});
const id = Type.Optional(
  Type.String({
    pattern: "^[\\w.:-]{1,64}$",
    description: "of the operation; who asks again after a lost answer gives the same",
  }),
);
/** Of every body that asks for one. */
export const operationMembers = { reason, id };

export const OperationPath = Type.Object({ id: Type.String() });

export const operationAnswerMembers = {
  id: Type.String(),
  type: Type.Unsafe<OperationAnswer["type"]>({ type: "string" }),
  reason: Type.String(),
  received_at: time("when the last part of it was received"),
  as_of: whole("the commit that saw the last of it"),
  result: Type.Record(Type.String(), Type.Integer(), {
    description: "clicks, or whatever it is about, by what became of them",
  }),
};

export const OperationAnswerSchema = schemaOf<OperationAnswer>()(
  Type.Object(operationAnswerMembers),
);

export const PendingOperationSchema = Type.Object(
  { id: Type.String(), pending: Type.Boolean() },
  { description: "Durable; it is applied when what was received before it is" },
);

export const operationResponses = {
  200: OperationAnswerSchema,
  202: PendingOperationSchema,
  ...problemResponses,
};
