import type { BaseOptions } from "@platformatic/kafka";

export interface KafkaQueueOptions {
  /** `host:port` each; any of the cluster's to begin with. */
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly partitionCount: number;
  /** Of a topic that is made; all but one of them must have a record before it is acknowledged. */
  readonly replicas: number;
}

const clientId = "clicktally";
const connectMsMax = 5_000;
const requestMsMax = 10_000;
/** Together long enough for another broker to take over from one that died. */
const retryAfterMs = 500;
const retriesMax = 60;

export function clientOptions({ brokers }: KafkaQueueOptions): BaseOptions {
  return {
    clientId,
    bootstrapBrokers: [...brokers],
    connectTimeout: connectMsMax,
    timeout: requestMsMax,
    retryDelay: retryAfterMs,
    retries: retriesMax,
    autocreateTopics: false,
  };
}
