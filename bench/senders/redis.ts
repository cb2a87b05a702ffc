import { minuteOf } from "../../src/model/time.ts";
import type { WorkloadClick } from "../workload.ts";
import { RedisConnection, command } from "./redis-connection.ts";
import type { Connection, Sender } from "./sender.ts";

const horizonSeconds = "86400";

interface RedisBody {
  /** SET NX of every click's identity. */
  readonly sets: Buffer;
  /** HINCRBY of every click, and where each begins, and the end. */
  readonly increments: Buffer;
  readonly starts: Uint32Array;
}

/** The hash of a minute and the field of a click in it. */
export function minuteKey(timeMs: number): string {
  return `m:${minuteOf(timeMs)}`;
}

export function fieldOf({
  ad_id,
  country,
  device,
}: Pick<WorkloadClick, "ad_id" | "country" | "device">): string {
  return `${ad_id}|${country}|${device}`;
}

/** Two pipelines a body: identities first, then counts of those that were new. A client that dies in between loses them. */
export class RedisSender implements Sender<RedisBody> {
  private readonly port: number;
  private readonly open: RedisConnection[] = [];

  constructor(port: number) {
    this.port = port;
  }

  encode(clicks: readonly WorkloadClick[]): RedisBody {
    let sets = "";
    let increments = "";
    const starts = new Uint32Array(clicks.length + 1);
    for (const [i, click] of clicks.entries()) {
      sets += command("SET", `${click.ad_id}:${click.event_id}`, "1", "NX", "EX", horizonSeconds);
      increments += command("HINCRBY", minuteKey(click.timeMs), fieldOf(click), "1");
      starts[i + 1] = increments.length;
    }
    return {
      sets: Buffer.from(sets, "latin1"),
      increments: Buffer.from(increments, "latin1"),
      starts,
    };
  }

  async connect(): Promise<Connection<RedisBody>> {
    const connection = await RedisConnection.open(this.port);
    this.open.push(connection);
    return {
      send: async ({ sets, increments, starts }) => {
        const replies = await connection.call(sets, starts.length - 1);
        const fresh: Buffer[] = [];
        for (const [i, reply] of replies.entries())
          if (reply !== null) fresh.push(increments.subarray(starts[i], starts[i + 1]));
        const isAllNew = fresh.length === replies.length;
        await connection.call(isAllNew ? increments : Buffer.concat(fresh), fresh.length);
        return true;
      },
    };
  }

  close(): Promise<void> {
    for (const connection of this.open) connection.close();
    return Promise.resolve();
  }
}
