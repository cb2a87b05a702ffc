import { Agent, request } from "node:http";

/** Asks one server over connections that stay open, with as little of its own as Node allows: `fetch` takes twice the time. */
export class Asker {
  private readonly url: string;
  private readonly agent = new Agent({ keepAlive: true });

  constructor(url: string) {
    this.url = url;
  }

  /** The answer's text; a question with a body is a POST. Rejects where the server refuses it. */
  ask(path: string, body?: string): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const method = body === undefined ? "GET" : "POST";
    const asked = request(this.url + path, { agent: this.agent, method }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => (text += part));
      response.on("error", reject);
      response.on("end", () => {
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`${path}: ${response.statusCode} ${text}`));
      });
    });
    asked.on("error", reject);
    asked.end(body);
    return promise;
  }

  close(): void {
    this.agent.destroy();
  }
}
