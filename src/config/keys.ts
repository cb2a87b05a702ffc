/** Every setting: its kind, its default as it is written in a file, and what it is for. */

import { reservedFieldNames } from "../model/dimensions.ts";
import { logSources } from "./log-sources.ts";
import type { ValueKind } from "./value-kinds.ts";
import {
  brokers,
  choice,
  databaseName,
  dimensions,
  duration,
  flag,
  headerNames,
  integer,
  names,
  networks,
  optionalText,
  origins,
  secret,
  secrets,
  serverUrls,
  size,
  text,
  topicName,
  topicNames,
} from "./value-kinds.ts";

export interface SettingKey<T> {
  readonly kind: ValueKind<T>;
  /** As in a file. */
  readonly default: unknown;
  readonly about: string;
}

function key<T>(kind: ValueKind<T>, defaultValue: unknown, about: string): SettingKey<T> {
  return { kind, default: defaultValue, about };
}

/** Members of the bodies that set attributes, so no names of attributes. */
const reservedAttributes: ReadonlySet<string> = new Set([
  ...reservedFieldNames,
  "attributes",
  "valid_from",
]);

export const settingKeys = {
  role: key(
    choice("all", "ingest", "aggregate", "query"),
    "all",
    "what this process does, where others do the rest: take clicks in, count them, or answer queries",
  ),
  host: key(text(), "127.0.0.1", "address to listen on"),
  port: key(integer(0, 65_535), 8080, "port to listen on; 0 takes a free one"),
  data_dir: key(text(), "./data", "directory of the queue and the store"),
  "auth.keys_file": key(
    optionalText(),
    "",
    "the API keys, as `clicktally keys` writes them; empty: keys.json in data_dir",
  ),
  "auth.first_key": key(
    choice("none", "print"),
    "none",
    "print: where there is no keys file yet, a start makes one with a key for everything, and prints the key once",
  ),
  "auth.open": key(
    flag(),
    false,
    "whether it listens on other addresses than loopback without API keys: something else has to guard it",
  ),
  trusted_proxies: key(
    networks(),
    [],
    "addresses and networks of proxies, whose word on where a request comes from (X-Forwarded-For) is taken",
  ),
  "cors.origins": key(
    origins(),
    [],
    "origins whose pages may send clicks from browsers (POST /v1/clicks); * for all",
  ),
  "tls.cert_file": key(
    optionalText(),
    "",
    "certificate chain (PEM) to listen with over TLS; empty: plain HTTP, for loopback or behind a proxy that has TLS",
  ),
  "tls.key_file": key(optionalText(), "", "its private key (PEM)"),
  "log.level": key(
    choice("error", "warn", "info", "debug", "silent"),
    "info",
    "what is told on standard error, as JSON or, on a terminal, as plain lines",
  ),
  dimensions: key(
    dimensions(),
    {
      country: { in: "minute" },
      device: { in: "minute" },
      user_id: { in: "raw" },
      ip: { in: "raw", type: "ip" },
    },
    "fields of a click to filter and group by, and where each is kept",
  ),
  ads: key(
    names(reservedAttributes),
    ["campaign_id", "advertiser_id"],
    "attributes of the ad table",
  ),
  "watermark.out_of_orderness": key(
    duration({ min: "0s", max: "1h" }),
    "15s",
    "how far the watermark stays behind the newest click",
  ),
  "watermark.allowed_lateness": key(
    duration({ min: "0s", max: "24h" }),
    "1m",
    "how long after its end a minute stays open",
  ),
  "watermark.max_future": key(
    duration({ min: "0s", max: "1h" }),
    "1m",
    "how far ahead of the clock a click may be",
  ),
  "watermark.idle_lag": key(
    duration({ min: "1s", max: "1h" }),
    "15s",
    "how far the watermark stays behind the clock in silence",
  ),
  "dedup.horizon": key(
    duration({ min: "1m", max: "90d" }),
    "24h",
    "how far back a resent click is recognised",
  ),
  // Minutes of the table are told apart within 65,536 of them, 45 days (aggregate/recent-ids.ts).
  "dedup.recent": key(
    duration({ min: "1m", max: "10d" }),
    "6h",
    "how far back ids are kept in memory; at most dedup.horizon",
  ),
  "dedup.max_bytes": key(size({ min: "1MB", max: "1TB" }), "1GB", "memory for ids"),
  "dedup.missing_event_id": key(
    choice("derive", "reject"),
    "derive",
    "what becomes of a click without an event_id",
  ),
  late: key(
    choice("restate", "quarantine"),
    "restate",
    "what becomes of a click for a final minute",
  ),
  unknown_fields: key(
    choice("ignore", "reject"),
    "ignore",
    "what becomes of a field that is not declared",
  ),
  "retention.raw": key(duration({ min: "1d", max: "36500d" }), "90d", "how long clicks are kept"),
  "retention.minute": key(
    duration({ min: "1d", max: "36500d" }),
    "400d",
    "how long minute counts are kept",
  ),
  "queue.kind": key(
    choice("sqlite", "kafka"),
    "sqlite",
    "where clicks wait: in the data directory, or in a Kafka topic of their own",
  ),
  "queue.brokers": key(brokers(), [], "of kafka: brokers to begin with, host:port each"),
  "queue.topic": key(topicName(), "clicktally", "of kafka: the topic, made where it is missing"),
  "queue.replicas": key(
    integer(1, 7),
    3,
    "of kafka: copies of each record in a topic that is made",
  ),
  "queue.security": key(
    choice("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
    "PLAINTEXT",
    "of kafka: the protocol of the brokers' listener",
  ),
  "queue.ca_file": key(
    optionalText(),
    "",
    "of kafka with SSL: certificates (PEM) that vouch for the brokers; empty: those of the system",
  ),
  "queue.sasl_mechanism": key(
    choice("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
    "SCRAM-SHA-512",
    "of kafka with SASL: how the password is shown",
  ),
  "queue.username": key(optionalText(), "", "of kafka with SASL: the user"),
  "queue.password": key(secret(), "", "of kafka with SASL: the user's password"),
  "queue.max_bytes": key(
    size({ min: "1MB", max: "100TB" }),
    "10GB",
    "of sqlite: disk for clicks that wait",
  ),
  "queue.partitions": key(integer(1, 64), 1, "partitions of the queue"),
  "queue.spread": key(
    integer(1, 64),
    1,
    "over how many partitions the clicks of one ad are dealt, for good; above 1 with kafka and clickhouse alone",
  ),
  "intake.topics": key(
    topicNames(),
    [],
    "Kafka topics of JSON clicks that others fill, to be taken in",
  ),
  "intake.brokers": key(
    brokers(),
    [],
    "where they are, host:port each; empty: queue.brokers. queue.security and its companions are theirs too",
  ),
  "intake.group": key(
    topicName(),
    "clicktally",
    "the consumer group by which ingest processes share them",
  ),
  sources: key(
    logSources(),
    {},
    "log files that are followed, by the name of their source: files, format, request and map; see docs/log-watcher.md",
  ),
  "store.kind": key(
    choice("duckdb", "clickhouse"),
    "duckdb",
    "where clicks and counts are kept: in the data directory, or in a ClickHouse database",
  ),
  "store.urls": key(
    serverUrls(),
    [],
    "of clickhouse: its HTTP addresses; one that is away is passed over. With store.cluster: at least one of each shard",
  ),
  "store.database": key(
    databaseName(),
    "clicktally",
    "of clickhouse: the database, made where it is missing",
  ),
  "store.cluster": key(
    optionalText(),
    "",
    "of clickhouse: the cluster over whose shards clicks are spread, as its servers name it; empty: one server",
  ),
  "store.username": key(text(), "default", "of clickhouse: the user"),
  "store.password": key(secret(), "", "of clickhouse: the user's password"),
  "store.memory": key(size({ min: "64MB", max: "1TB" }), "256MB", "memory of the store's engine"),
  "limits.body_bytes": key(size({ min: "1KB", max: "1GB" }), "16MB", "largest body as sent"),
  "limits.decompressed_bytes": key(
    size({ min: "1KB", max: "1GB" }),
    "64MB",
    "largest body once decompressed",
  ),
  "limits.items": key(integer(1, 10_000_000), 100_000, "most items in a body"),
  "limits.waiting_bodies": key(integer(1, 1_000_000), 512, "most bodies waiting to be stored"),
  "limits.waiting_bytes": key(
    size({ min: "1KB", max: "100GB" }),
    "32MB",
    "most bytes of bodies waiting",
  ),
  "limits.connections": key(integer(1, 1_000_000), 10_000, "most open connections"),
  "limits.connections_address": key(
    integer(1, 1_000_000),
    1_000,
    "most open connections of one address that is no trusted proxy",
  ),
  "limits.requests_a_second_address": key(
    integer(0, 1_000_000),
    2_000,
    "most requests a second of one address other than loopback; 0 for no limit",
  ),
  "limits.requests_a_second_key": key(
    integer(0, 1_000_000),
    0,
    "most requests a second with one API key; 0 for no limit",
  ),
  "tracker.secrets": key(
    secrets(),
    [],
    "that tracked links are signed with: the first signs, all verify; none: there is no tracker",
  ),
  "tracker.headers": key(
    headerNames(),
    {},
    "by dimension, the header in which a trusted proxy says it: { country: CF-IPCountry }; event_id: one of its own for each request",
  ),
  "tracker.on_failure": key(
    choice("refuse", "redirect"),
    "refuse",
    "who follows a link while its click can't be taken in: is refused, or goes on uncounted",
  ),
  "commit.max_delay": key(
    duration({ min: "1ms", max: "1m" }),
    "100ms",
    "longest time a micro-batch gathers",
  ),
  "commit.max_clicks": key(integer(1, 10_000_000), 65_536, "most clicks in a micro-batch"),
  "query.hot_bytes": key(size({ min: "0B", max: "1TB" }), "128MB", "memory for recent minutes"),
  "query.hot_window": key(
    duration({ min: "1m", max: "24h" }),
    "3h",
    "how far back minutes are kept in memory",
  ),
  "audit.buckets_a_minute": key(
    integer(0, 6_000),
    10,
    "final minutes that the service recounts by itself; 0 for none",
  ),
  "query.timeout": key(duration({ min: "100ms", max: "1h" }), "30s", "longest time a query runs"),
};

export type SettingName = keyof typeof settingKeys;

/** The value of every key. */
export type SettingValues = {
  readonly [Name in SettingName]: (typeof settingKeys)[Name] extends SettingKey<infer T>
    ? T
    : never;
};

export const settingNames = Object.keys(settingKeys) as SettingName[];

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(settingKeys, name);
}

/** `CLICKTALLY_WATERMARK_IDLE_LAG` for `watermark.idle_lag`. */
export function variableOf(name: string): string {
  return `CLICKTALLY_${name.replaceAll(".", "_").toUpperCase()}`;
}

/** `--watermark-idle-lag` for `watermark.idle_lag`. */
export function flagOf(name: string): string {
  return `--${name.replaceAll(/[._]/g, "-")}`;
}
