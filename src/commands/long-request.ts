/** For work that takes a service longer than `fetch` waits for the head of an answer, which is five minutes. */

import { request as requestPlain } from "node:http";
import { request as requestSecure } from "node:https";
import type { ServiceAddress } from "./client.ts";
import { authorizationOf, refusal } from "./client.ts";

/** As ApiClient: CodedError with the service's code where it refuses, an Error where nobody answers. */
export async function longPost<Answer>(
  service: ServiceAddress,
  path: string,
  body: object,
): Promise<Answer> {
  const { url } = service;
  const headers = authorizationOf(service);
  const { status, text } = await exchange(new URL(path, url), headers, JSON.stringify(body)).catch(
    (cause: unknown) => {
      throw new Error(`${url} does not answer`, { cause });
    },
  );
  if (status === 200) return JSON.parse(text) as Answer;
  throw await refusal(new Response(text, { status }));
}

function exchange(
  target: URL,
  authorization: Readonly<Record<string, string>>,
  body: string,
): Promise<{ status: number; text: string }> {
  const request = target.protocol === "https:" ? requestSecure : requestPlain;
  return new Promise((resolve, reject) => {
    const headers = {
      accept: "application/json",
      "content-type": "application/json",
      ...authorization,
    };
    const sent = request(target, { method: "POST", headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part: string) => (text += part));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
      answer.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
