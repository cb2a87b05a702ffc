import type { BaseOptions } from "@platformatic/kafka";

export interface KafkaQueueOptions {
  /** `host:port` each; any of the cluster's to begin with. */
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly partitionCount: number;
  /** Of a topic that is made; all but one of them must have a record before it is acknowledged. */
  readonly replicas: number;
  readonly security: KafkaSecurity;
}

/** How the brokers are spoken to, in Kafka's own words. */
export interface KafkaSecurity {
  readonly protocol: SecurityProtocol;
  /** PEM, of who vouches for the brokers; absent: whom this machine trusts. */
  readonly certificates?: string;
  /** With SASL. */
  readonly mechanism: SaslMechanism;
  readonly username: string;
  readonly password: string;
}

type SecurityProtocol = "PLAINTEXT" | "SSL" | "SASL_PLAINTEXT" | "SASL_SSL";
type SaslMechanism = "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512";

const clientId = "clicktally";
const connectMsMax = 5_000;
const requestMsMax = 10_000;
/** Together long enough for another broker to take over from one that died. */
const retryAfterMs = 500;
const retriesMax = 60;

export function clientOptions({
  brokers,
  security,
}: Pick<KafkaQueueOptions, "brokers" | "security">): BaseOptions {
  return {
    clientId,
    bootstrapBrokers: [...brokers],
    connectTimeout: connectMsMax,
    timeout: requestMsMax,
    retryDelay: retryAfterMs,
    retries: retriesMax,
    autocreateTopics: false,
    ...connectionOptions(security),
  };
}

function connectionOptions({
  protocol,
  certificates,
  mechanism,
  username,
  password,
}: KafkaSecurity): Pick<BaseOptions, "tls" | "sasl"> {
  return {
    ...(protocol.endsWith("SSL") && {
      tls: certificates === undefined ? {} : { ca: certificates },
    }),
    ...(protocol.startsWith("SASL_") && { sasl: { mechanism, username, password } }),
  };
}
