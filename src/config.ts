/** The settings of a process: flags before variables before the file before the defaults, all checked at once. */

import { join } from "node:path";
import type { SettingName, SettingValues } from "./config/keys.ts";
import { settingKeys, settingNames } from "./config/keys.ts";
import type { SourcedValue } from "./config/sources.ts";
import { describe, readFile, readFlags, readVariables, shortened } from "./config/sources.ts";
import { formatDuration } from "./config/units.ts";
import type { DimensionLayout } from "./model/dimensions.ts";
import { isProtecting } from "./model/dimensions.ts";
import { CodedError } from "./model/errors.ts";
import type { LogSource } from "./model/log-source.ts";
import type { SemanticConfig } from "./model/semantic-config.ts";

export interface Settings {
  readonly role: SettingValues["role"];
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  /** Addresses and networks. */
  readonly trustedProxies: readonly string[];
  readonly corsOrigins: readonly string[];
  /** Absent: plain HTTP. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  readonly auth: {
    readonly keysFile: string;
    readonly firstKey: SettingValues["auth.first_key"];
    /** Whether it may listen beyond loopback without keys. */
    readonly open: boolean;
  };
  readonly logLevel: "error" | "warn" | "info" | "debug" | "silent";
  readonly dimensions: DimensionLayout;
  readonly adAttributes: readonly string[];
  readonly watermark: {
    readonly outOfOrdernessMs: number;
    readonly allowedLatenessMs: number;
    readonly maxFutureMs: number;
    readonly idleLagMs: number;
  };
  readonly dedup: {
    readonly horizonMs: number;
    /** At most horizonMs. */
    readonly recentMs: number;
    readonly bytesMax: number;
    readonly missingEventId: "derive" | "reject";
  };
  readonly late: "restate" | "quarantine";
  readonly unknownFields: "ignore" | "reject";
  readonly retention: { readonly rawMs: number; readonly minuteMs: number };
  readonly queue: {
    readonly kind: "sqlite" | "kafka";
    readonly bytesMax: number;
    readonly partitions: number;
    readonly spread: number;
    /** Of kafka, as all below. */
    readonly brokers: readonly string[];
    readonly topic: string;
    readonly replicas: number;
    readonly security: {
      readonly protocol: SettingValues["queue.security"];
      /** Empty: whom the system trusts. */
      readonly caFile: string;
      readonly mechanism: SettingValues["queue.sasl_mechanism"];
      readonly username: string;
      readonly password: string;
    };
  };
  readonly intake: {
    /** None: nothing is taken in from topics. */
    readonly topics: readonly string[];
    readonly brokers: readonly string[];
    readonly group: string;
  };
  /** Log files that are followed; none: there are none. */
  readonly sources: readonly LogSource[];
  readonly store: {
    readonly kind: "duckdb" | "clickhouse";
    readonly memoryBytesMax: number;
    /** Of clickhouse, as all below. */
    readonly urls: readonly string[];
    readonly database: string;
    /** Empty: one server. */
    readonly cluster: string;
    readonly username: string;
    readonly password: string;
  };
  readonly limits: {
    readonly bodyBytesMax: number;
    readonly decompressedBytesMax: number;
    readonly itemsMax: number;
    readonly waitingBodiesMax: number;
    readonly waitingBytesMax: number;
    readonly connectionsMax: number;
    readonly connectionsAddressMax: number;
    /** 0: no limit, as below. */
    readonly requestsASecondAddress: number;
    readonly requestsASecondKey: number;
  };
  readonly tracker: {
    /** None: there is no tracker. The first signs. */
    readonly secrets: readonly string[];
    /** By dimension, or event_id: the header, in lower case. */
    readonly headers: Readonly<Record<string, string>>;
    readonly onFailure: SettingValues["tracker.on_failure"];
  };
  readonly commit: { readonly delayMsMax: number; readonly clicksMax: number };
  readonly query: {
    readonly hotBytesMax: number;
    readonly hotWindowMs: number;
    readonly timeoutMs: number;
  };
  readonly audit: { readonly bucketsAMinute: number };
}

export interface SettingsInput {
  /** Texts by setting name, `watermark.idle_lag`. */
  readonly flags?: Readonly<Partial<Record<SettingName, string>>>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The file. Absent: CLICKTALLY_CONFIG, else clicktally.yaml in the working directory where there is one. */
  readonly configPath?: string;
}

/** CodedError `invalid_configuration` with everything that is wrong, a line each; also as `details.problems`. */
export function loadSettings(input: SettingsInput): Settings {
  const { values, problems } = resolveSettings(input);
  if (problems.length > 0) {
    throw new CodedError(
      "invalid_configuration",
      `the configuration is wrong:\n  ${problems.join("\n  ")}`,
      {
        details: { problems },
      },
    );
  }
  return settingsOf(values);
}

/** The part that outcomes depend on. */
export function semanticConfigOf(
  settings: Settings,
): Omit<SemanticConfig, "generation" | "fromMinute"> {
  return {
    dimensions: settings.dimensions,
    adAttributes: settings.adAttributes,
    outOfOrdernessMs: settings.watermark.outOfOrdernessMs,
    allowedLatenessMs: settings.watermark.allowedLatenessMs,
    idleLagMs: settings.watermark.idleLagMs,
    dedupHorizonMs: settings.dedup.horizonMs,
    dedupRecentMs: settings.dedup.recentMs,
    late: settings.late,
  };
}

/** Every key with its value in force, as it is written in a file, and where it came from. */
export function describeSettings(
  input: SettingsInput,
): { name: SettingName; value: string; origin: string }[] {
  const { values, origins } = resolveSettings(input);
  return settingNames.map((name) => ({
    name,
    value: (settingKeys[name].kind.format as (value: unknown) => string)(values[name]),
    origin: origins.get(name) ?? "default",
  }));
}

interface Resolved {
  /** Complete only where there are no problems. */
  readonly values: SettingValues;
  readonly origins: ReadonlyMap<SettingName, string>;
  readonly problems: readonly string[];
}

function resolveSettings({ flags, env, configPath }: SettingsInput): Resolved {
  const chosenPath = configPath ?? env?.["CLICKTALLY_CONFIG"];
  const sources = [
    readFlags(flags ?? {}),
    readVariables(env ?? {}),
    readFile(chosenPath ?? "clicktally.yaml", chosenPath !== undefined),
  ];
  const problems = sources.flatMap((source) => source.problems);
  const origins = new Map<SettingName, string>();
  const values: Partial<Record<SettingName, unknown>> = {};
  for (const name of settingNames) {
    // Also what a stronger source hides is checked: it would bite on the day the other goes.
    const given = sources.flatMap((source) => source.values.get(name) ?? []);
    const parsed = given.map((value) => parseValue(name, value, problems));
    if (given[0]) origins.set(name, given[0].origin);
    values[name] = given[0] ? parsed[0] : parseValue(name, undefined, problems);
  }
  const resolved = values as SettingValues;
  if (problems.length === 0) {
    const adjusted = origins.has("dedup.recent") ? resolved : withRecentThatFits(resolved);
    return { values: adjusted, origins, problems: checkTogether(adjusted, origins) };
  }
  return { values: resolved, origins, problems };
}

function parseValue(
  name: SettingName,
  given: SourcedValue | undefined,
  problems: string[],
): unknown {
  const parsed = settingKeys[name].kind.parse(given ? given.raw : settingKeys[name].default);
  if ("value" in parsed) return parsed.value;
  for (const problem of parsed.problems) {
    const found = "found" in problem ? problem.found : given?.raw;
    problems.push(
      `${given?.origin}: ${name}${shortened(problem.at ?? "")} is ${describe(found)}, expected ${problem.expected}`,
    );
  }
  return undefined;
}

/** The default of dedup.recent follows a shorter horizon. */
function withRecentThatFits(values: SettingValues): SettingValues {
  const recentMs = Math.min(values["dedup.recent"], values["dedup.horizon"]);
  return { ...values, "dedup.recent": recentMs };
}

/** What is wrong between values that are each fine alone. */
function checkTogether(values: SettingValues, origins: ReadonlyMap<SettingName, string>): string[] {
  const problems: string[] = [];
  const complain = (name: SettingName, expected: string) => {
    const shown = (settingKeys[name].kind.format as (value: unknown) => string)(values[name]);
    problems.push(`${origins.get(name) ?? "default"}: ${name} is ${shown}, expected ${expected}`);
  };
  const horizonMs = values["dedup.horizon"];
  if (values["dedup.recent"] > horizonMs) {
    complain("dedup.recent", `at most dedup.horizon, which is ${formatDuration(horizonMs)}`);
  }
  // Ids beyond the recent tier are looked up in the raw store, so it must reach as far back.
  if (values["retention.raw"] < horizonMs) {
    complain("retention.raw", `at least dedup.horizon, which is ${formatDuration(horizonMs)}`);
  }
  if (values["retention.minute"] < values["retention.raw"]) {
    const rawMs = values["retention.raw"];
    complain("retention.minute", `at least retention.raw, which is ${formatDuration(rawMs)}`);
  }
  if (values["queue.kind"] === "kafka" && values["queue.brokers"].length === 0) {
    complain("queue.brokers", "at least one where queue.kind is kafka");
  }
  if (values.role !== "all") {
    if (values["queue.kind"] !== "kafka")
      complain("queue.kind", `kafka where role is ${values.role}`);
    if (values.role !== "ingest" && values["store.kind"] !== "clickhouse")
      complain("store.kind", `clickhouse where role is ${values.role}`);
    // Where the secret is that all share.
    const needsSecret = values.role === "ingest" && isProtecting(values.dimensions);
    if (needsSecret && values["store.kind"] !== "clickhouse")
      complain("store.kind", "clickhouse where a dimension is hashed or truncated");
  }
  if (values["queue.spread"] > 1) {
    // The embedded queue and store keep an ad's minutes as one.
    if (values["queue.kind"] !== "kafka")
      complain("queue.spread", `1 where queue.kind is ${values["queue.kind"]}`);
    else if (values.role !== "ingest" && values["store.kind"] !== "clickhouse")
      complain("queue.spread", `1 where store.kind is ${values["store.kind"]}`);
    if (values["queue.spread"] > values["queue.partitions"])
      complain("queue.spread", `at most queue.partitions, which is ${values["queue.partitions"]}`);
  }
  if (values["queue.security"].startsWith("SASL_") && values["queue.username"] === "") {
    complain("queue.username", `a user where queue.security is ${values["queue.security"]}`);
  }
  if (values["intake.topics"].length > 0) {
    const brokers = [values["intake.brokers"], values["queue.brokers"]];
    if (brokers.every((own) => own.length === 0))
      complain("intake.brokers", "at least one where there are intake.topics");
    const isOfQueue = values["queue.kind"] === "kafka" && values["intake.brokers"].length === 0;
    if (isOfQueue && values["intake.topics"].includes(values["queue.topic"]))
      complain("intake.topics", "other topics than queue.topic");
  }
  if (values["store.kind"] === "clickhouse" && values["store.urls"].length === 0) {
    complain("store.urls", "at least one where store.kind is clickhouse");
  }
  for (const [one, other] of [
    ["tls.cert_file", "tls.key_file"],
    ["tls.key_file", "tls.cert_file"],
  ] as const) {
    if (values[one] === "" && values[other] !== "") complain(one, `a file where there is ${other}`);
  }
  const headers = Object.keys(values["tracker.headers"]);
  const known = new Set(["event_id", ...values.dimensions.map(({ name }) => name)]);
  if (!headers.every((name) => known.has(name)))
    complain("tracker.headers", "names of dimensions, or event_id");
  if (headers.length > 0 && values.trusted_proxies.length === 0)
    complain(
      "trusted_proxies",
      "at least one where there are tracker.headers: nobody else is believed",
    );
  // Else the largest allowed body would be refused as overload for ever.
  if (values["limits.waiting_bytes"] < values["limits.body_bytes"]) {
    complain("limits.waiting_bytes", "at least limits.body_bytes");
  }
  return problems;
}

function settingsOf(values: SettingValues): Settings {
  return {
    role: values.role,
    host: values.host,
    port: values.port,
    dataDir: values.data_dir,
    trustedProxies: values.trusted_proxies,
    corsOrigins: values["cors.origins"],
    ...(values["tls.cert_file"] !== "" && {
      tls: { certFile: values["tls.cert_file"], keyFile: values["tls.key_file"] },
    }),
    auth: {
      keysFile: values["auth.keys_file"] || join(values.data_dir, "keys.json"),
      firstKey: values["auth.first_key"],
      open: values["auth.open"],
    },
    logLevel: values["log.level"],
    dimensions: values.dimensions,
    adAttributes: values.ads,
    watermark: {
      outOfOrdernessMs: values["watermark.out_of_orderness"],
      allowedLatenessMs: values["watermark.allowed_lateness"],
      maxFutureMs: values["watermark.max_future"],
      idleLagMs: values["watermark.idle_lag"],
    },
    dedup: {
      horizonMs: values["dedup.horizon"],
      recentMs: values["dedup.recent"],
      bytesMax: values["dedup.max_bytes"],
      missingEventId: values["dedup.missing_event_id"],
    },
    late: values.late,
    unknownFields: values.unknown_fields,
    retention: { rawMs: values["retention.raw"], minuteMs: values["retention.minute"] },
    queue: {
      kind: values["queue.kind"],
      bytesMax: values["queue.max_bytes"],
      partitions: values["queue.partitions"],
      spread: values["queue.spread"],
      brokers: values["queue.brokers"],
      topic: values["queue.topic"],
      replicas: values["queue.replicas"],
      security: {
        protocol: values["queue.security"],
        caFile: values["queue.ca_file"],
        mechanism: values["queue.sasl_mechanism"],
        username: values["queue.username"],
        password: values["queue.password"],
      },
    },
    intake: {
      topics: values["intake.topics"],
      brokers:
        values["intake.brokers"].length > 0 ? values["intake.brokers"] : values["queue.brokers"],
      group: values["intake.group"],
    },
    sources: values.sources,
    store: {
      kind: values["store.kind"],
      memoryBytesMax: values["store.memory"],
      urls: values["store.urls"],
      database: values["store.database"],
      cluster: values["store.cluster"],
      username: values["store.username"],
      password: values["store.password"],
    },
    limits: {
      bodyBytesMax: values["limits.body_bytes"],
      decompressedBytesMax: values["limits.decompressed_bytes"],
      itemsMax: values["limits.items"],
      waitingBodiesMax: values["limits.waiting_bodies"],
      waitingBytesMax: values["limits.waiting_bytes"],
      connectionsMax: values["limits.connections"],
      connectionsAddressMax: values["limits.connections_address"],
      requestsASecondAddress: values["limits.requests_a_second_address"],
      requestsASecondKey: values["limits.requests_a_second_key"],
    },
    tracker: {
      secrets: values["tracker.secrets"],
      headers: values["tracker.headers"],
      onFailure: values["tracker.on_failure"],
    },
    commit: { delayMsMax: values["commit.max_delay"], clicksMax: values["commit.max_clicks"] },
    query: {
      hotBytesMax: values["query.hot_bytes"],
      hotWindowMs: values["query.hot_window"],
      timeoutMs: values["query.timeout"],
    },
    audit: { bucketsAMinute: values["audit.buckets_a_minute"] },
  };
}
