/** Holds an answer against the document. */

import assert from "node:assert/strict";
import { Compile } from "typebox/schema";
import { parse } from "csv-parse/sync";
import type { ErrorCode } from "../../../src/model/errors.ts";
import type { JsonSchema, Operation } from "./document.ts";
import { responseFor } from "./document.ts";
import type { Answer } from "./exchange.ts";
import type { GeneratedRequest } from "./requests.ts";

/** What a caller can bring about; none of them is the service's own fault. */
const callersCodes: ReadonlySet<string> = new Set<ErrorCode>([
  "malformed_json",
  "invalid_parameter",
  "invalid_filter",
  "unknown_dimension",
  "range_too_large",
  "range_provisional",
  "as_of_provisional",
  "period_not_final",
  "outside_retention",
  "history_replaced",
  "not_found",
  "method_not_allowed",
  "body_too_large",
  "batch_too_large",
  "unsupported_media_type",
  "unsupported_encoding",
  "malformed_encoding",
]);
const busyCodes: ReadonlySet<string> = new Set<ErrorCode>([
  "overloaded",
  "queue_full",
  "not_ready",
]);

const validators = new WeakMap<JsonSchema, ReturnType<typeof Compile>>();

function assertMatches(schema: JsonSchema, value: unknown): void {
  const validator = validators.get(schema) ?? Compile(schema);
  validators.set(schema, validator);
  if (!validator.Check(value)) {
    const [, errors] = validator.Errors(value);
    assert.fail(`the body is not what is documented: ${JSON.stringify(errors)}`);
  }
}

export function checkAnswer(
  operations: readonly Operation[],
  operation: Operation,
  request: GeneratedRequest,
  answer: Answer,
): string {
  const { status, headers, body } = answer;
  const contentType = (headers["content-type"] ?? "").split(";")[0]!;
  assert.notEqual(status, 500, body.toString());
  if (request.method === "HEAD" || status === 204 || status === 304) {
    assert.equal(body.length, 0);
    return String(status);
  }
  if (contentType === "application/problem+json") checkProblem(answer);
  if (request.method !== operation.method) return checkOtherMethod(operations, operation, answer);
  const response = responseFor(operation, status);
  assert.ok(response, `${status} is not documented`);
  const documented = response.content?.[contentType];
  assert.ok(documented, `${contentType} is not documented for ${status}`);
  if (contentType === "text/csv") checkCsv(body);
  else if (contentType === "text/plain") assert.match(body.toString(), /^# HELP \w+ /);
  else if (contentType === "text/event-stream") checkEvents(body, documented.schema);
  else if (contentType === "application/x-ndjson") {
    for (const line of body.toString().trimEnd().split("\n"))
      assertMatches(documented.schema, JSON.parse(line));
  } else assertMatches(documented.schema, JSON.parse(body.toString()));
  return String(status);
}

function checkProblem({ status, headers, body }: Answer): void {
  const problem = JSON.parse(body.toString()) as Readonly<Record<string, unknown>>;
  assert.equal(problem["status"], status);
  const code = String(problem["code"]);
  assert.equal(problem["type"], `urn:clicktally:problem:${code}`);
  if (status < 500) {
    assert.ok(status >= 400 && callersCodes.has(code), `${status} ${code}`);
    return;
  }
  assert.equal(status, 503, body.toString());
  assert.ok(busyCodes.has(code) && Number(headers["retry-after"]) > 0, body.toString());
}

/** A method that the path has under another operation, or one that it does not have. */
function checkOtherMethod(
  operations: readonly Operation[],
  operation: Operation,
  { status, headers }: Answer,
): string {
  // Where the path is another one too: `/v1/ads/popular_ads`.
  const methods = operations.filter(({ path }) => path === operation.path).map((o) => o.method);
  if (status === 405) assert.ok(headers.allow, "405 without Allow");
  else assert.ok(status < 500, `${status}, the path has ${methods.join(", ")}`);
  return `${status} of another method`;
}

function checkCsv(body: Buffer): void {
  const rows = parse(body, { relax_column_count: false }) as string[][];
  assert.ok(rows.length >= 1, "CSV without a header");
}

function checkEvents(body: Buffer, schema: JsonSchema): void {
  const events = body.toString().split("\n\n");
  assert.equal(events.pop(), "", "an event that does not end");
  for (const event of events) {
    const live = /^event: live\ndata: (\{.*\})$/.exec(event);
    if (live) assertMatches(schema, JSON.parse(live[1]!));
    else assert.match(event, /^(?:id: \S+\nevent: mark\n)?data: \{.*\}$/);
  }
}
