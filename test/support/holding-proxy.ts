/** Stands between a client and a server, and lets nothing through while it holds: what the client has sent arrives late. */
import { once } from "node:events";
import type { Server, Socket } from "node:net";
import { connect, createServer } from "node:net";

export class HoldingProxy implements AsyncDisposable {
  private readonly server: Server;
  private readonly clients = new Set<Socket>();
  private isHolding = false;

  private constructor(server: Server) {
    this.server = server;
  }

  static async start(targetPort: number): Promise<HoldingProxy> {
    const server = createServer();
    const proxy = new HoldingProxy(server);
    server.on("connection", (client) => proxy.carry(client, targetPort));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return proxy;
  }

  get url(): string {
    const address = this.server.address();
    if (address === null || typeof address === "string") throw new Error("it does not listen");
    return `http://127.0.0.1:${address.port}`;
  }

  hold(): void {
    this.isHolding = true;
    for (const client of this.clients) client.pause();
  }

  release(): void {
    this.isHolding = false;
    for (const client of this.clients) client.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.close();
    for (const client of this.clients) client.destroy();
  }

  private carry(client: Socket, targetPort: number): void {
    const target = connect(targetPort, "127.0.0.1");
    this.clients.add(client);
    client.on("data", (bytes) => target.write(bytes));
    target.on("data", (bytes) => client.write(bytes));
    const end = (): void => {
      this.clients.delete(client);
      client.destroy();
      // What has arrived is answered, if to nobody.
      target.end();
    };
    client.on("error", end).on("close", end);
    target.on("error", end).on("close", end);
    if (this.isHolding) client.pause();
  }
}
