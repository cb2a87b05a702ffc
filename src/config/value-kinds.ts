/**
 * The kinds of values that settings have. A value comes from YAML as a string, number, boolean, list or map,
 * and from flags and variables as text; each kind reads both.
 */

import type { Dimension, DimensionLayout } from "../model/dimensions.ts";
import { dimensionNamePattern, reservedFieldNames } from "../model/dimensions.ts";
import { isIP } from "node:net";
import { sourceBytesMax } from "../model/source.ts";
import { formatDuration, formatSize, parseDuration, parseSize } from "./units.ts";

/** What a raw value turned out to be. `expected` completes "expected …"; `at` names the part that is wrong. */
type Parsed<T> = { readonly value: T } | { readonly problems: readonly ValueProblem[] };

export interface ValueProblem {
  readonly expected: string;
  /** Below the key, where the value has parts: `.country.in`. */
  readonly at?: string;
  /** What stands there, where that is not the whole value. */
  readonly found?: unknown;
}

export interface ValueKind<T> {
  parse(raw: unknown): Parsed<T>;
  /** How the value is written in a file. */
  format(value: T): string;
  /** True where flags and variables give it as YAML (lists and maps). */
  readonly structured?: boolean;
}

function wrong<T>(expected: string): Parsed<T> {
  return { problems: [{ expected }] };
}

export function text(): ValueKind<string> {
  return {
    parse: (raw) =>
      typeof raw === "string" && raw !== "" ? { value: raw } : wrong("a text that is not empty"),
    format: (value) => value,
  };
}

export function optionalText(): ValueKind<string> {
  return {
    parse: (raw) => (typeof raw === "string" ? { value: raw } : wrong("a text")),
    format: (value) => value,
  };
}

export function choice<const T extends string>(...choices: readonly T[]): ValueKind<T> {
  const expected =
    choices.length === 1 ? choices[0]! : `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
  return {
    parse: (raw) => {
      const found = choices.find((known) => known === raw);
      return found === undefined ? wrong(expected) : { value: found };
    },
    format: (value) => value,
  };
}

export function flag(): ValueKind<boolean> {
  return {
    parse: (raw) => {
      if (raw === true || raw === "true") return { value: true };
      return raw === false || raw === "false" ? { value: false } : wrong("true or false");
    },
    format: String,
  };
}

export function integer(min: number, max: number): ValueKind<number> {
  const expected = `a whole number from ${min} to ${max}`;
  return {
    parse: (raw) => {
      const value = typeof raw === "string" && /^-?\d{1,15}$/.test(raw) ? Number(raw) : raw;
      const fits =
        typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;
      // -0 is 0.
      return fits ? { value: value + 0 } : wrong(expected);
    },
    format: String,
  };
}

export interface Bounds {
  readonly min: string;
  readonly max: string;
}

export function duration(bounds: Bounds): ValueKind<number> {
  const [min, max] = [parseDuration(bounds.min)!, parseDuration(bounds.max)!];
  const expected = `a duration from ${bounds.min} to ${bounds.max}, such as 250ms, 15s, 1m, 24h or 90d`;
  return {
    parse: (raw) => {
      const value = typeof raw === "string" ? parseDuration(raw) : undefined;
      return value !== undefined && value >= min && value <= max ? { value } : wrong(expected);
    },
    format: formatDuration,
  };
}

export function size(bounds: Bounds): ValueKind<number> {
  const [min, max] = [parseSize(bounds.min)!, parseSize(bounds.max)!];
  const expected = `a size from ${bounds.min} to ${bounds.max}, such as 64KB, 512MB or 1GiB`;
  return {
    parse: (raw) => {
      const value = typeof raw === "string" ? parseSize(raw) : undefined;
      return value !== undefined && value >= min && value <= max ? { value } : wrong(expected);
    },
    format: formatSize,
  };
}

/** Kafka brokers to begin with. */
export function brokers(): ValueKind<readonly string[]> {
  return listOf("host:port", "[kafka-1:9092, kafka-2:9092]", (broker) =>
    /^[\w.-]{1,253}:\d{1,5}$/.test(broker),
  );
}

/** Addresses of servers that speak HTTP, without a path. */
export function serverUrls(): ValueKind<readonly string[]> {
  return listOf("http(s)://host:port", "['http://clickhouse-1:8123']", (url) =>
    /^https?:\/\/(?:[\w.-]{1,253}|\[[\da-f:.]+\])(?::\d{1,5})?$/i.test(url),
  );
}

/** Addresses and networks of addresses. */
export function networks(): ValueKind<readonly string[]> {
  return listOf("an address or a network", "[10.0.0.0/8, '2001:db8::1']", (network) => {
    const [address = "", prefix, ...more] = network.split("/");
    const bits = { 4: 32, 6: 128 }[isIP(address)];
    if (bits === undefined || more.length > 0) return false;
    return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
  });
}

/** Of pages in a browser, as it names them. */
export function origins(): ValueKind<readonly string[]> {
  return listOf("an origin or *", "['https://www.example.com']", (origin) => {
    if (origin === "*") return true;
    return URL.canParse(origin) && new URL(origin).origin === origin && origin !== "null";
  });
}

/** Of foreign clicks, whose source is named by their topic. */
export function topicNames(): ValueKind<readonly string[]> {
  return listOf(
    "topics",
    "[clicks]",
    (name) => isTopicName(name) && Buffer.byteLength(name) <= sourceBytesMax,
  );
}

function isTopicName(name: string): boolean {
  return /^[\w.-]{1,200}$/.test(name) && !/^\.{1,2}$/.test(name);
}

const entriesMax = 64;

/** YAML list, or comma-separated text. */
function listOf(
  expected: string,
  example: string,
  isOne: (text: string) => boolean,
): ValueKind<readonly string[]> {
  return {
    structured: true,
    parse: (raw) => {
      const list =
        typeof raw === "string"
          ? raw.split(",").flatMap((name) => (name.trim() === "" ? [] : [name.trim()]))
          : raw;
      if (!Array.isArray(list) || list.length > entriesMax)
        return wrong(`a list of at most ${entriesMax} times ${expected}, such as ${example}`);
      const problems = list.flatMap((entry: unknown, index) =>
        typeof entry === "string" && isOne(entry)
          ? []
          : [{ expected, at: `[${index}]`, found: entry }],
      );
      return problems.length > 0 ? { problems } : { value: list as string[] };
    },
    format: (value) => `[${value.join(", ")}]`,
  };
}

/** May be empty, and is never shown. */
export function secret(): ValueKind<string> {
  return {
    parse: (raw) =>
      typeof raw === "string" && raw.length <= 1_000
        ? { value: raw }
        : { problems: [{ expected: "a text of at most 1000 characters", found: "hidden" }] },
    format: (value) => (value === "" ? "" : "hidden"),
  };
}

const headersMax = 64;

/** `{ NAME: HEADER }`, the headers in lower case. */
export function headerNames(): ValueKind<Readonly<Record<string, string>>> {
  return {
    structured: true,
    parse: (raw) => {
      if (!isMap(raw)) return wrong("a map of headers, such as { country: CF-IPCountry }");
      const entries = Object.entries(raw);
      if (entries.length > headersMax) return wrong(`at most ${headersMax} headers`);
      const problems = entries.flatMap(([name, header]) =>
        typeof header === "string" && /^[\w!#$%&'*+.^`|~-]{1,100}$/.test(header)
          ? []
          : [{ expected: "the name of a header", at: `.${name}`, found: header }],
      );
      if (problems.length > 0) return { problems };
      const lower = entries.map(([name, header]) => [name, (header as string).toLowerCase()]);
      return { value: Object.fromEntries(lower) as Record<string, string> };
    },
    format: (headers) => {
      const entries = Object.entries(headers).map(([name, header]) => `${name}: ${header}`);
      return `{ ${entries.join(", ")} }`;
    },
  };
}

const secretsMax = 16;

/** Each long enough to be no word; a list, or words of a text. Never shown. */
export function secrets(): ValueKind<readonly string[]> {
  const expected = `at most ${secretsMax} different texts of 32 to 1000 characters without spaces or commas, such as openssl rand -hex 32 makes`;
  return {
    structured: true,
    parse: (raw) => {
      const list = typeof raw === "string" ? raw.split(/[\s,]+/).filter((own) => own !== "") : raw;
      const isRight =
        Array.isArray(list) &&
        list.length <= secretsMax &&
        new Set(list).size === list.length &&
        list.every((own) => typeof own === "string" && /^[^\s,]{32,1000}$/.test(own));
      return isRight ? { value: list as string[] } : { problems: [{ expected, found: "hidden" }] };
    },
    format: (value) => `[${value.map(() => "hidden").join(", ")}]`,
  };
}

/** As ClickHouse takes it without quotes. */
export function databaseName(): ValueKind<string> {
  return {
    parse: (raw) =>
      typeof raw === "string" && /^[A-Za-z_]\w{0,99}$/.test(raw)
        ? { value: raw }
        : wrong("a name of at most 100 letters, digits and _, no digit first"),
    format: (value) => value,
  };
}

/** As Kafka has it. */
export function topicName(): ValueKind<string> {
  return {
    parse: (raw) =>
      typeof raw === "string" && isTopicName(raw)
        ? { value: raw }
        : wrong("a name of at most 200 letters, digits, dots, - and _"),
    format: (value) => value,
  };
}

const namesMax = 64;
const nameExpected =
  "a name of lower-case letters, digits and _ that begins with a letter, at most 63 long";

/** A list of names: YAML list, or comma-separated text. */
export function names(reserved: ReadonlySet<string>): ValueKind<readonly string[]> {
  return {
    structured: true,
    parse: (raw) => {
      const list = typeof raw === "string" ? raw.split(",").map((name) => name.trim()) : raw;
      if (!Array.isArray(list))
        return wrong("a list of names, such as [campaign_id, advertiser_id]");
      if (list.length > namesMax) return wrong(`at most ${namesMax} names`);
      const problems = list.flatMap((name: unknown, index) => {
        const expected =
          nameProblem(name, reserved) ??
          (list.indexOf(name) < index ? "each name once" : undefined);
        return expected === undefined ? [] : [{ expected, at: `[${index}]`, found: name }];
      });
      return problems.length > 0 ? { problems } : { value: list as string[] };
    },
    format: (value) => `[${value.join(", ")}]`,
  };
}

function nameProblem(name: unknown, reserved: ReadonlySet<string>): string | undefined {
  if (typeof name !== "string" || !dimensionNamePattern.test(name)) return nameExpected;
  return reserved.has(name) ? `another name: ${name} is taken` : undefined;
}

/** Members of answers, so no names of dimensions. */
const answerMembers: ReadonlySet<string> = new Set(["count", "start"]);
const dimensionsMax = 64;
const reservedDimensions: ReadonlySet<string> = new Set([...reservedFieldNames, ...answerMembers]);
const typesByName: ReadonlyMap<string, Dimension["type"]> = new Map([
  ["country", "country"],
  ["ip", "ip"],
]);

/** `{ NAME: { in: minute | raw, type?: string | ip | country, store?: plain | hashed | truncated } }` */
export function dimensions(): ValueKind<DimensionLayout> {
  return {
    structured: true,
    parse: (raw) => {
      if (!isMap(raw))
        return wrong(
          "a map of dimensions, such as { country: { in: minute }, user_id: { in: raw } }",
        );
      const entries = Object.entries(raw);
      if (entries.length > dimensionsMax) return wrong(`at most ${dimensionsMax} dimensions`);
      const problems: ValueProblem[] = [];
      const layout = entries.map(([name, value]) => parseDimension(name, value, problems));
      return problems.length > 0 ? { problems } : { value: layout };
    },
    format: (layout) => `{ ${layout.map((dimension) => formatDimension(dimension)).join(", ")} }`,
  };
}

function parseDimension(name: string, value: unknown, problems: ValueProblem[]): Dimension {
  const at = `.${name}`;
  const badName = nameProblem(name, reservedDimensions);
  if (badName !== undefined) problems.push({ expected: badName, at, found: name });
  const members = isMap(value) ? value : {};
  if (!isMap(value)) problems.push({ expected: "a map, such as { in: minute }", at, found: value });
  for (const [member, found] of Object.entries(members)) {
    if (member !== "in" && member !== "type" && member !== "store")
      problems.push({ expected: "in, type or store only", at: `${at}.${member}`, found });
  }
  const place = members["in"];
  if (isMap(value) && place !== "minute" && place !== "raw") {
    problems.push({ expected: "minute or raw", at: `${at}.in`, found: place });
  }
  const type = members["type"] ?? typesByName.get(name) ?? "string";
  if (type !== "string" && type !== "ip" && type !== "country") {
    problems.push({ expected: "string, ip or country", at: `${at}.type`, found: type });
  }
  const dimension = { name, in: place as Dimension["in"], type: type as Dimension["type"] };
  const store = members["store"] ?? "plain";
  if (store === "plain") return dimension;
  if (store === "hashed" || (store === "truncated" && type === "ip"))
    return { ...dimension, store };
  const expected = type === "ip" ? "plain, hashed or truncated" : "plain or hashed";
  problems.push({ expected, at: `${at}.store`, found: store });
  return dimension;
}

function formatDimension({ name, in: place, type, store }: Dimension): string {
  return `${name}: { in: ${place}, type: ${type}${store ? `, store: ${store}` : ""} }`;
}

export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
