/** One request over a connection of its own or a kept one, with a deadline. */

import type { Agent, IncomingHttpHeaders } from "node:http";
import { request as httpRequest } from "node:http";
import type { GeneratedRequest } from "./requests.ts";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Long for a service that others slow down; what takes longer hangs. */
const deadlineMs = 30_000;

const streamTypes: ReadonlySet<string> = new Set(["application/x-ndjson", "text/event-stream"]);
const firstMark = /\{"as_of":\d+,"since":"[^"]*"\}\n/;
const firstLive = /^event: live\ndata: .*\n\n$/;

export function exchange(url: string, agent: Agent, request: GeneratedRequest): Promise<Answer> {
  const { method, target, body } = request;
  // Also with methods that have no body by themselves: else it would be taken for a request.
  const length = body ? { "content-length": String(body.length) } : {};
  const headers = { ...request.headers, ...length };
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const { hostname, port } = new URL(url);
  const sent = httpRequest({ hostname, port, agent, method, path: target, headers }, (response) => {
    const chunks: Buffer[] = [];
    const isStream = streamTypes.has(response.headers["content-type"] ?? "");
    response.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      if (!isStream) return;
      // It may go on for ever; from its first mark, or event, on nothing new is to be seen.
      const text = Buffer.concat(chunks).toString();
      if (firstMark.test(text) || firstLive.test(text)) leave();
    });
    const leave = (): void => {
      resolve({
        status: response.statusCode!,
        headers: response.headers,
        body: Buffer.concat(chunks),
      });
      sent.destroy();
    };
    response.on("error", reject);
    response.on("end", () =>
      resolve({
        status: response.statusCode!,
        headers: response.headers,
        body: Buffer.concat(chunks),
      }),
    );
  });
  const deadline = setTimeout(
    () => sent.destroy(new Error(`no answer within ${deadlineMs} ms`)),
    deadlineMs,
  );
  sent.on("error", reject).on("close", () => clearTimeout(deadline));
  sent.end(body);
  return promise;
}
