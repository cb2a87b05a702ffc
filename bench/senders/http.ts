import { BodySender } from "../body-sender.ts";
import { lineOf } from "../workload.ts";
import type { WorkloadClick } from "../workload.ts";
import type { Connection, Sender } from "./sender.ts";

/** NDJSON bodies; the connections are kept alive and shared. */
export class HttpSender implements Sender<Buffer> {
  private readonly bodies: BodySender;

  constructor(url: string, connections: number) {
    this.bodies = new BodySender(url, "application/x-ndjson", connections);
  }

  encode(clicks: readonly WorkloadClick[]): Buffer {
    let text = "";
    for (const click of clicks) text += lineOf(click);
    return Buffer.from(text, "latin1");
  }

  connect(): Promise<Connection<Buffer>> {
    return Promise.resolve(this.bodies);
  }

  close(): Promise<void> {
    this.bodies.close();
    return Promise.resolve();
  }
}
