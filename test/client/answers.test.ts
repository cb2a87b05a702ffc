/** The client's hand-written types against the schemas that the description of the API is made of. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Static, TSchema } from "typebox";
import type * as schemas from "../../src/api/answer-schemas.ts";
import { BreakdownQuery, CountQuery, TopQuery } from "../../src/api/request-schemas.ts";
import type {
  BreakdownAnswer,
  BreakdownRequest,
  ClicksAnswer,
  CountAnswer,
  CountRequest,
  TopAnswer,
  TopRequest,
} from "../../src/client/answers.ts";
import { startHttpSide } from "../api/harness.ts";

type ReadonlyAll<T> = T extends object ? { readonly [Name in keyof T]: ReadonlyAll<T[Name]> } : T;
/** True for types that are the same, not for those that merely fit. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Answered<Schema extends TSchema> = ReadonlyAll<Static<Schema>>;
/** The parameters of a query as it is described: names, and that none is needed. Values may be more than texts. */
type Names<Request> = { readonly [Name in keyof Request]: string };

/** The codes of items are more to come: the client knows texts. */
type Coded = ReadonlyAll<
  Omit<Static<typeof schemas.ClicksAnswerSchema>, "errors"> & {
    errors: { index: number; field?: string; code: string; message: string }[];
  }
>;
type Flat<T> = { readonly [Name in keyof T]: T[Name] };

/** Does not compile where one differs. */
const same: readonly [
  Same<ReadonlyAll<CountAnswer>, Answered<typeof schemas.CountAnswerSchema>>,
  Same<ReadonlyAll<TopAnswer>, Answered<typeof schemas.TopAnswerSchema>>,
  Same<ReadonlyAll<BreakdownAnswer>, Answered<typeof schemas.BreakdownAnswerSchema>>,
  Same<Flat<ReadonlyAll<ClicksAnswer>>, Flat<Coded>>,
  Same<Names<CountRequest>, Names<Answered<typeof CountQuery>>>,
  Same<Names<TopRequest>, Names<Answered<typeof TopQuery>>>,
  Same<Names<BreakdownRequest>, Names<Answered<typeof BreakdownQuery>>>,
] = [true, true, true, true, true, true, true];

describe("the types of the client", () => {
  it("are those of the schemas that the API is described by", async () => {
    assert.ok(same.every(Boolean));
    await using side = await startHttpSide();
    const document = (await (await fetch(`${side.url}/openapi.json`)).json()) as {
      readonly paths: Readonly<
        Record<string, { readonly get: { readonly parameters: { name: string; in: string }[] } }>
      >;
    };
    const described = (path: string): string[] =>
      document.paths[path]!.get.parameters.flatMap((own) =>
        own.in === "query" ? [own.name] : [],
      ).toSorted();
    for (const [path, schema] of [
      ["/v1/ads/{ad_id}/aggregated_count", CountQuery],
      ["/v1/top", TopQuery],
      ["/v1/breakdown", BreakdownQuery],
    ] as const)
      assert.deepEqual(described(path), Object.keys(schema.properties).toSorted());
  });
});
