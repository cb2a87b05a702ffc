import type { BaseOptions } from "@platformatic/kafka";

export interface KafkaQueueOptions {
  /** `host:port` each; any of the cluster's to begin with. */
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly partitionCount: number;
  readonly spread: number;
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
/** A handshake on the way to another region, with one packet of it lost. */
const connectMsMax = 3_000;
/** What a broker waits for its replicas, before it says that they are too few. */
const replicasMsMax = 10_000;

/** How long one request and one question may take: a question is all that the client does for it, tries included. */
export interface AskingBounds {
  readonly requestMsMax: number;
  readonly questionMsMax: number;
  /** Of the client, where they nest: each of them may wait for every broker. */
  readonly retriesMax: number;
  readonly retryAfterMs: number;
}

/**
 * Of records: a request carries 16 MB and a little, for which 15 s are enough at 10 Mbit/s, and are more than brokers wait for
 * replicas. A leader that is not heard of for 9 s is none any more (`broker.session.timeout.ms`): a question outlives that.
 */
export const recordBounds: AskingBounds = {
  requestMsMax: 15_000,
  questionMsMax: 30_000,
  retriesMax: 60,
  retryAfterMs: 500,
};

/** Of what brokers know by heart, where a start, a trim or a read waits for it. With few tries, as the client does not ask for a new leader in between. */
export const factBounds: AskingBounds = {
  requestMsMax: 5_000,
  questionMsMax: 10_000,
  retriesMax: 3,
  retryAfterMs: 500,
};

/** Of what is asked again in a moment: where the log ends, every 50 ms, and what lies behind. */
export const glanceBounds: AskingBounds = {
  requestMsMax: 3_000,
  questionMsMax: 3_000,
  retriesMax: 1,
  retryAfterMs: 50,
};

export function clientOptions(
  { brokers, security }: Pick<KafkaQueueOptions, "brokers" | "security">,
  {
    requestMsMax,
    retriesMax,
    retryAfterMs,
  }: Pick<AskingBounds, "requestMsMax" | "retriesMax" | "retryAfterMs">,
): BaseOptions {
  return {
    clientId,
    bootstrapBrokers: [...brokers],
    connectTimeout: connectMsMax,
    requestTimeout: requestMsMax,
    timeout: replicasMsMax,
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
