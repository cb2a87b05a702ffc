/** Requests made from the document: what it allows, and everything near it. */

import { gzipSync, zstdCompressSync } from "node:zlib";
import type { Random } from "../../../src/traffic/random.ts";
import type { Mutator } from "../mutate.ts";
import type { JsonSchema, Operation, Parameter } from "./document.ts";
import { goodValue, hostileValue, percentEncoded } from "./values.ts";

export interface GeneratedRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
}

const methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "PROPFIND"];
const accepts = [
  "*/*",
  "text/csv",
  "application/json",
  "text/csv;q=0.5, application/json;q=0.9",
  "text/csv;q=nonsense",
  ";;,,;q=",
  "application/xml",
  "text/event-stream",
  "x".repeat(2000),
];
const contentTypes = [
  "application/json",
  "application/x-ndjson",
  "application/vnd.clicktally.click-batch",
  "application/json; charset=utf-16",
  "text/plain",
  "multipart/form-data; boundary=x",
  "application/x-www-form-urlencoded",
  "",
  "/;=",
];
const contentEncodings = ["gzip", "zstd", "x-gzip", "identity", "br", "gzip, gzip", ""];
const oddHeaders: readonly (readonly [string, string])[] = [
  ["x-forwarded-for", "1.2.3.4, ::1"],
  ["expect", "100-continue"],
  ["if-none-match", "*"],
  ["last-event-id", "1-ab"],
  ["range", "bytes=0-1"],
  ["accept-encoding", "gzip;q=0"],
  ["cookie", "a=b; ".repeat(200)],
  ["__proto__", "x"],
  ["x-http-method-override", "DELETE"],
  ["authorization", "Bearer \u00ff"],
];

/** A share of what a request has is wrong. */
const wrongShare = 0.25;

export function makeRequest(
  operation: Operation,
  random: Random,
  mutator: Mutator,
): GeneratedRequest {
  const method = random.chance(0.05) ? random.pick(methods) : operation.method;
  const headers: Record<string, string> = {};
  if (random.chance(0.4)) headers["accept"] = random.pick(accepts);
  if (random.chance(0.1)) Object.assign(headers, Object.fromEntries([random.pick(oddHeaders)]));
  const target = pathOf(operation, random) + queryOf(operation, random);
  const hasBody = operation.body ? random.chance(0.95) : random.chance(0.03);
  if (!hasBody) return { method, target, headers, body: undefined };
  return { method, target, ...bodyOf(operation, headers, random, mutator) };
}

function pathOf({ path, parameters }: Operation, random: Random): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const parameter = parameters.find((other) => other.name === name)!;
    const value = valueOf(parameter, random);
    // An empty part of a path is another path.
    return percentEncoded(value === "" ? "x" : value, random);
  });
}

/** Of parameters that exclude each other either kind, mostly. */
function queryOf({ parameters }: Operation, random: Random): string {
  const isWindow = random.chance(0.6);
  const left = isWindow ? ["from", "to"] : ["window", "end"];
  const pairs: string[] = [];
  for (const parameter of parameters.filter((other) => other.in === "query")) {
    const isRange = ["window", "from", "to"].includes(parameter.name);
    const share = parameter.required || isRange ? 0.95 : 0.25;
    const isLeftOut = left.includes(parameter.name) && !random.chance(0.03);
    if (isLeftOut || !random.chance(share)) continue;
    const times = random.chance(0.03) ? 2 : 1;
    for (let i = 0; i < times; i++)
      pairs.push(`${parameter.name}=${percentEncoded(valueOf(parameter, random), random)}`);
  }
  if (random.chance(0.03)) pairs.push(random.pick(["x=1", "__proto__=1", "window[a]=1", "=", "&"]));
  return pairs.length === 0 ? "" : `?${random.shuffle(pairs).join("&")}`;
}

function valueOf({ name, schema }: Parameter, random: Random): string {
  if (random.chance(wrongShare)) return hostileValue(random);
  return schema.enum ? String(random.pick(schema.enum)) : goodValue(name, random);
}

function bodyOf(
  operation: Operation,
  given: Readonly<Record<string, string>>,
  random: Random,
  mutator: Mutator,
): Pick<GeneratedRequest, "headers" | "body"> {
  const headers = { ...given };
  const documented = Object.keys(operation.body?.content ?? {});
  const contentType =
    documented.length > 0 && random.chance(0.95)
      ? random.pick(documented)
      : random.pick(contentTypes);
  if (contentType !== "") headers["content-type"] = contentType;
  if (random.chance(0.03)) return tooLarge(headers, random);
  let body = contentOf(operation, contentType, random, mutator);
  if (random.chance(0.15)) body = mutator.edit(body);
  if (random.chance(0.15)) {
    const encoding = random.pick(contentEncodings);
    headers["content-encoding"] = encoding;
    if (encoding.endsWith("gzip") && random.chance(0.9)) body = gzipSync(body);
    if (encoding === "zstd" && random.chance(0.9)) body = zstdCompressSync(body);
    if (random.chance(0.1)) body = mutator.edit(body);
  }
  return { headers, body };
}

/** Beyond the bounds of the service under test: 64 KB, 256 KB decompressed, 1000 items. */
function tooLarge(
  headers: Readonly<Record<string, string>>,
  random: Random,
): Pick<GeneratedRequest, "headers" | "body"> {
  const bomb = { ...headers, "content-encoding": "gzip" };
  return random.pick([
    { headers, body: Buffer.alloc(random.between(64_001, 2_000_000), "x") },
    { headers, body: Buffer.from(`[${"1,".repeat(1000)}1]`) },
    { headers, body: Buffer.from("1\n".repeat(1001)) },
    { headers: bomb, body: gzipSync(Buffer.alloc(20_000_000)) },
  ]);
}

function contentOf(
  { body }: Operation,
  contentType: string,
  random: Random,
  mutator: Mutator,
): Uint8Array {
  const jsonSchema = body?.content["application/json"]?.schema;
  if (contentType === "application/x-ndjson" && jsonSchema) {
    const item = jsonSchema.anyOf?.[0] ?? jsonSchema;
    const lines = Array.from({ length: random.between(1, 5) }, () =>
      JSON.stringify(instanceOf(item, "", random)),
    );
    return Buffer.from(lines.join("\n"));
  }
  if (contentType === "application/json" && jsonSchema)
    return Buffer.from(JSON.stringify(instanceOf(jsonSchema, "", random)));
  return mutator.next();
}

/** A value of a schema, or of none. */
function instanceOf(schema: JsonSchema, name: string, random: Random): unknown {
  if (random.chance(wrongShare / 4)) return hostileJson(random);
  if (schema.anyOf) return instanceOf(random.pick(schema.anyOf), name, random);
  const type = Array.isArray(schema.type) ? random.pick(schema.type as string[]) : schema.type;
  switch (type) {
    case "object":
      return objectOf(schema, random);
    case "array":
      return Array.from({ length: random.between(0, 5) }, () =>
        instanceOf(schema.items ?? {}, name, random),
      );
    case "integer":
      return Number(goodValue(name, random)) || random.between(0, 2_000_000_000_000);
    case "null":
      return null;
    default:
      return name === "attributes"
        ? { campaign_id: goodValue("campaign_id", random) }
        : goodValue(name, random);
  }
}

const moreMembers = ["country", "device", "user_id", "ip", "campaign_id", "unknown"];

function objectOf(schema: JsonSchema, random: Random): object {
  const { properties = {}, required = [], additionalProperties } = schema;
  const names = Object.keys(properties).filter(
    (name) => required.includes(name) || random.chance(0.4),
  );
  if (additionalProperties !== false || random.chance(0.05)) names.push(random.pick(moreMembers));
  return Object.fromEntries(
    names.map((name) => [name, instanceOf(properties[name] ?? {}, name, random)]),
  );
}

function hostileJson(random: Random): unknown {
  const text = hostileValue(random);
  return random.pick([text, [text], { [text]: text }, -1, 1e308, 0.5, true, null, [[[[]]]], {}]);
}
