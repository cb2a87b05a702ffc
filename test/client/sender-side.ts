/** What a client under test sends to, and what it tells of. */

import type { Server } from "node:http";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import type { Click, ClientOptions, ItemError } from "../../src/client/client.ts";
import { ClickClient } from "../../src/client/client.ts";

/** What stands in for the service's answer to a request; `lost`: the service answers, and nobody hears it. */
export type Fault = { readonly status: number; readonly retryAfter?: string } | "lost";

/** Stands before the service and gives faults for answers, in their order, before it lets requests through. */
export class FaultyProxy implements AsyncDisposable {
  readonly faults: Fault[] = [];
  /** Of each request: when it came (performance.now), and what it brought. */
  readonly requests: { readonly atMs: number; readonly body: string }[] = [];
  private readonly server: Server;

  private constructor(target: string) {
    this.server = createServer(async (request, response) => {
      const body = await buffer(request);
      this.requests.push({ atMs: performance.now(), body: body.toString() });
      const fault = this.faults.shift();
      if (fault !== undefined && fault !== "lost") {
        const { status, retryAfter } = fault;
        response.writeHead(status, retryAfter === undefined ? {} : { "retry-after": retryAfter });
        response.end("from a proxy");
        return;
      }
      const type = request.headers["content-type"];
      const answer = await fetch(target + request.url!, {
        method: request.method!,
        ...(body.length > 0 && { body }),
        headers: type === undefined ? {} : { "content-type": type },
      });
      const text = await answer.text();
      if (fault === "lost") response.destroy();
      else response.writeHead(answer.status, { "content-type": "application/json" }).end(text);
    });
  }

  static async start(target: string): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(target);
    proxy.server.listen(0, "127.0.0.1");
    await once(proxy.server, "listening");
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** A client that keeps what it tells. */
export class ToldClient implements AsyncDisposable {
  readonly client: ClickClient;
  readonly rejected: { readonly click: Click; readonly error: ItemError }[] = [];
  readonly lost: { readonly click: Click; readonly reason: string }[] = [];
  readonly retries: { readonly status: number | undefined; readonly waitMs: number }[] = [];

  constructor(options: ClientOptions) {
    this.client = new ClickClient({
      delayMs: 5,
      onRejected: (click, error) => this.rejected.push({ click, error }),
      onLost: (click, reason) => this.lost.push({ click, reason }),
      onRetry: ({ error: { status }, waitMs }) => this.retries.push({ status, waitMs }),
      ...options,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
  }
}
