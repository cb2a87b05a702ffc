import { Agent, request } from "node:http";

/** What a server that is busy answers. */
const busyStatus: ReadonlySet<number> = new Set([429, 503]);

/** Posts bodies over HTTP/1.1 keep-alive connections. */
export class BodySender {
  private readonly url: string;
  private readonly contentType: string;
  private readonly agent: Agent;

  constructor(url: string, contentType: string, connections: number) {
    this.url = url;
    this.contentType = contentType;
    this.agent = new Agent({ keepAlive: true, maxSockets: connections, scheduling: "fifo" });
  }

  /** False where the server is busy. */
  send(body: Buffer): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    const headers = { "content-type": this.contentType, "content-length": body.length };
    const options = { method: "POST", agent: this.agent, headers };
    const outgoing = request(this.url, options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("end", () => {
        const status = response.statusCode!;
        if (status === 200) resolve(true);
        else if (busyStatus.has(status)) resolve(false);
        else reject(new Error(`${status}: ${text.slice(0, 500)}`));
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
    return promise;
  }

  close(): void {
    this.agent.destroy();
  }
}
