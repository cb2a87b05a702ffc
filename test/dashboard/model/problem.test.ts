import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mayPass, noAnswer, problemOf } from "../../../dashboard/model/problem.ts";
import { CodedError } from "../../../src/model/errors.ts";
import { problemOf as problemOfService } from "../../../src/api/problems.ts";

describe("a problem", () => {
  it("is told in the service's own words", () => {
    const told = problemOfService(new CodedError("outside_retention", "from: no longer kept"));
    assert.deepEqual(problemOf(410, JSON.stringify(told)), {
      title: "The range reaches data that is no longer kept",
      detail: "from: no longer kept",
      code: "outside_retention",
      status: 410,
    });
  });

  it("has words of its own where somebody else answered", () => {
    for (const body of ["<h1>Bad Gateway</h1>", "", "{}", "null", '{"title":1}'])
      assert.deepEqual(problemOf(502, body), {
        title: "The service answered 502",
        detail: "",
        code: "unknown",
        status: 502,
      });
  });

  it("may pass where the service is busy, away, or does not answer", () => {
    assert.ok(mayPass(noAnswer));
    for (const [status, passes] of [
      [400, false],
      [410, false],
      [421, false],
      [429, true],
      [503, true],
    ] as const)
      assert.equal(mayPass(problemOf(status, "")), passes);
  });
});
