/** Stands between a client and ClickHouse, notes the statements that go through, and may keep what comes back to itself. */
import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

export class ClickHouseObserver implements AsyncDisposable {
  /** Those that were asked, in their order. */
  readonly statements: string[] = [];
  /** Of which statements no answer is passed on. */
  isMuted: (statement: string) => boolean = () => false;
  private readonly target: string;
  private readonly server: Server;

  private constructor(target: string) {
    this.target = target;
    this.server = createServer((request, response) => {
      this.pass(request, response).catch(() => response.destroy());
    });
  }

  static async start(target: string): Promise<ClickHouseObserver> {
    const observer = new ClickHouseObserver(target);
    observer.server.listen(0, "127.0.0.1");
    await once(observer.server, "listening");
    return observer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const url = new URL(request.url ?? "/", this.target);
    const statement = url.searchParams.get("query") ?? body.toString();
    this.statements.push(statement);
    const answer = await fetch(url, {
      method: "POST",
      body,
      headers: { authorization: request.headers.authorization ?? "" },
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (this.isMuted(statement)) return;
    const exception = answer.headers.get("x-clickhouse-exception-code");
    if (exception !== null) response.setHeader("x-clickhouse-exception-code", exception);
    response.writeHead(answer.status).end(bytes);
  }
}
