import { HttpSender } from "./http.ts";
import { PostgresqlSender } from "./postgresql.ts";
import { RedisSender } from "./redis.ts";
import type { Sender, Target } from "./sender.ts";

/** `connections`: most at once. */
export function senderFor(target: Target, connections: number): Sender<unknown> {
  switch (target.kind) {
    case "http":
      return new HttpSender(target.url, connections) as Sender<unknown>;
    case "postgresql":
      return new PostgresqlSender(target.port) as Sender<unknown>;
    case "redis":
      return new RedisSender(target.port) as Sender<unknown>;
  }
}
