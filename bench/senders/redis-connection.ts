import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";

/** One reply: null for none, else its text. All that is asked for here has replies of a line. */
export type Reply = string | null;

interface Waiting {
  readonly count: number;
  readonly resolve: (replies: Reply[]) => void;
  readonly reject: (error: Error) => void;
}

/** Commands of a pipeline in, replies out: the part of Redis' protocol (RESP) that the benchmarks speak. */
export class RedisConnection {
  private readonly socket: Socket;
  private readonly replies = new ReplyReader();
  /** Calls in the order in which their replies come. */
  private readonly waiting: Waiting[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (part) => {
      this.replies.add(part);
      this.settle();
    });
    const fail = (error: Error): void => {
      for (const { reject } of this.waiting.splice(0)) reject(error);
    };
    socket.on("error", fail);
    socket.on("close", () => fail(new Error("Redis closed the connection")));
  }

  static async open(port: number): Promise<RedisConnection> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.setNoDelay(true);
    return new RedisConnection(socket);
  }

  /** Sends so many commands and waits for the reply to each. Rejects where one is an error. */
  call(commands: Uint8Array, count: number): Promise<Reply[]> {
    if (count === 0) return Promise.resolve([]);
    const { promise, resolve, reject } = Promise.withResolvers<Reply[]>();
    this.waiting.push({ count, resolve, reject });
    this.socket.write(commands);
    return promise;
  }

  close(): void {
    this.socket.destroy();
  }

  private settle(): void {
    for (;;) {
      const first = this.waiting[0];
      if (!first || this.replies.count < first.count) return;
      this.waiting.shift();
      const taken = this.replies.take(first.count);
      const failed = taken.find((reply) => reply?.startsWith("-"));
      if (failed) first.reject(new Error(`Redis: ${failed}`));
      else first.resolve(taken);
    }
  }
}

/** Cuts replies out of what comes, however it is cut. */
export class ReplyReader {
  private rest = "";
  private replies: Reply[] = [];
  /** The line that comes is the value of a bulk string. */
  private isBulk = false;

  get count(): number {
    return this.replies.length;
  }

  add(part: Uint8Array): void {
    const lines = (
      this.rest + Buffer.from(part.buffer, part.byteOffset, part.length).toString("latin1")
    ).split("\r\n");
    this.rest = lines.pop()!;
    for (const line of lines) this.addLine(line);
  }

  take(count: number): Reply[] {
    return this.replies.splice(0, count);
  }

  private addLine(line: string): void {
    if (this.isBulk) {
      this.isBulk = false;
      this.replies.push(line);
    } else if (line === "$-1") this.replies.push(null);
    else if (line.startsWith("$")) this.isBulk = true;
    else this.replies.push(line.startsWith("-") ? line : line.slice(1));
  }
}

/** A command as it is sent. Its words are ASCII. */
export function command(...words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
}
