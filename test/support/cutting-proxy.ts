/**
 * Stands between a client and a server, and cuts connections after a while: in the middle of a request, or of its answer. The
 * server may still say what it has to say, to nobody: a ClickHouse that runs within `chdb` aborts as a whole where it can't.
 */
import { once } from "node:events";
import type { Server, Socket } from "node:net";
import { connect, createServer } from "node:net";

export class CuttingProxy implements AsyncDisposable {
  /** Connections that were cut so far. */
  cuts = 0;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.server = server;
  }

  /** `cutAfter`: for each new connection how many bytes go through, in both directions together. */
  static async start(targetPort: number, cutAfter: () => number): Promise<CuttingProxy> {
    const server = createServer();
    const proxy = new CuttingProxy(server);
    server.on("connection", (client) => proxy.carry(client, targetPort, cutAfter()));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return proxy;
  }

  get url(): string {
    const address = this.server.address();
    if (address === null || typeof address === "string") throw new Error("it does not listen");
    return `http://127.0.0.1:${address.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private carry(client: Socket, targetPort: number, bytesMax: number): void {
    const target = connect(targetPort, "127.0.0.1");
    let left = bytesMax;
    const cut = (): void => {
      left = 0;
      client.destroy();
      target.end();
    };
    for (const [from, to] of [
      [client, target],
      [target, client],
    ] as const) {
      this.sockets.add(from);
      from.on("data", (bytes) => {
        if (left === 0) return;
        to.write(bytes.subarray(0, left));
        if (bytes.length < left) {
          left -= bytes.length;
          return;
        }
        this.cuts++;
        cut();
      });
      from.on("error", cut).on("close", cut);
    }
  }
}
