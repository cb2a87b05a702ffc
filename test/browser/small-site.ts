/** Pages of somebody else, for a browser: what a service meets beside itself. */

import { once } from "node:events";
import type { Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface SitePage {
  readonly type?: "text/html" | "text/javascript";
  readonly content: string;
}

export class SmallSite implements AsyncDisposable {
  /** By path; may be added to. */
  readonly pages = new Map<string, SitePage>();
  /** Of every request that found one, in their order, with where it came from. */
  readonly visits: { readonly path: string; readonly referrer: string | undefined }[] = [];
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => {
      const path = request.url!.split("?", 1)[0]!;
      const page = this.pages.get(path);
      if (!page) {
        response.writeHead(404).end();
        return;
      }
      this.visits.push({ path, referrer: request.headers.referer });
      response.writeHead(200, { "content-type": `${page.type ?? "text/html"}; charset=utf-8` });
      response.end(page.content);
    });
  }

  static async open(): Promise<SmallSite> {
    const site = new SmallSite();
    site.server.listen(0, "127.0.0.1");
    await once(site.server, "listening");
    return site;
  }

  /** Of another site than the service, which is 127.0.0.1. */
  get url(): string {
    return `http://localhost:${(this.server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }
}
