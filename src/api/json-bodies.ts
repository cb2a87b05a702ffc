/** JSON bodies as text. What is no UTF-8 is refused; decoded leniently it would be stored as another text. */

import { isUtf8 } from "node:buffer";
import type { FastifyInstance } from "fastify";
import { CodedError } from "../model/errors.ts";

/** CodedError `malformed_json`. */
export function utf8Text(body: Buffer): string {
  if (!isUtf8(body)) throw new CodedError("malformed_json", "the body is no UTF-8");
  return body.toString();
}

/** For the routes of a scope that take `application/json` parsed. */
export function registerJsonBodies(scope: FastifyInstance): void {
  const parse = scope.getDefaultJsonParser("error", "error");
  scope.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body, parsed) => {
    let text: string;
    try {
      text = utf8Text(body as Buffer);
    } catch (error) {
      parsed(error as CodedError);
      return;
    }
    void parse(request, text, parsed);
  });
}
