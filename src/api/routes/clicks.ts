/** `POST /v1/clicks` and the import of batches: bodies that are never parsed in this thread. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Static } from "typebox";
import { CodedError } from "../../model/errors.ts";
import type { AllowedBody, BodyHead } from "../body-head.ts";
import { checkBodyHead } from "../body-head.ts";
import {
  ClicksAnswerSchema,
  ImportAnswerSchema,
  problemResponses,
  refusedClicksResponse,
} from "../answer-schemas.ts";
import { ImportQuery, WaitQuery } from "../request-schemas.ts";
import { readBody } from "../read-body.ts";
import type { ServiceParts } from "../service-parts.ts";
import { sourceOf } from "../source.ts";
import { waitCounted } from "../wait-counted.ts";

const clickTypes = ["application/json", "application/x-ndjson"];
const batchTypes = ["application/vnd.clicktally.click-batch"];

export function registerClickRoutes(server: FastifyInstance, parts: ServiceParts): void {
  void server.register((scope, _options, done) => {
    // Bodies stay unread until the handler has room for them.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, payload, parsed) => parsed(null, payload));
    registerClicks(scope, parts);
    registerImport(scope, parts);
    done();
  });
}

function registerClicks(
  scope: FastifyInstance,
  { ingest, query, admission, settings }: ServiceParts,
): void {
  const allowed: AllowedBody = { contentTypes: clickTypes, bytesMax: settings.limits.bodyBytesMax };
  scope.post("/v1/clicks", {
    schema: {
      tags: ["clicks"],
      operationId: "postClicks",
      summary: "Take in clicks",
      description:
        "A click as a JSON object, an array of clicks, or NDJSON; plain, gzip or zstd. Answers once the accepted " +
        "clicks are durable. A bad item is named in `errors` and costs nothing that is good. With `wait=counted` it " +
        "answers once they are counted, or after 5 s with 202: accepted, but undecided.",
      consumes: clickTypes,
      querystring: WaitQuery,
      response: {
        200: ClicksAnswerSchema,
        202: ClicksAnswerSchema,
        400: refusedClicksResponse,
        ...problemResponses,
      },
    },
    handler: async (
      request: FastifyRequest<{ Querystring: Static<typeof WaitQuery> }>,
      reply: FastifyReply,
    ) => {
      const head = checkBodyHead(request.headers, allowed);
      using admitted = admission.enter(head.contentLength ?? 0);
      const bytes = await readWhole(request, head, allowed.bytesMax, (length) =>
        admitted.grow(length),
      );
      const { ranges, ...answer } = await ingest.accept({
        bytes,
        contentType: head.contentType,
        contentEncoding: head.contentEncoding,
        source: sourceOf(request),
        history: false,
      });
      if (answer.accepted === 0 && answer.received > 0) return reply.code(400).send(answer);
      if (request.query.wait === undefined) return answer;
      const outcomes = await waitCounted(query, ranges);
      return outcomes ? { ...answer, ...outcomes } : reply.code(202).send(answer);
    },
  });
}

function registerImport(
  scope: FastifyInstance,
  { ingest, query, admission, settings }: ServiceParts,
): void {
  const allowed: AllowedBody = { contentTypes: batchTypes, bytesMax: settings.limits.bodyBytesMax };
  scope.post("/v1/admin/import", {
    schema: {
      tags: ["admin"],
      operationId: "importBatch",
      summary: "Take in a batch of history",
      description:
        "A click batch in its binary form, as `clicktally import --url` sends it: never late, any age.",
      consumes: batchTypes,
      querystring: ImportQuery,
      response: { 200: ImportAnswerSchema, 202: ImportAnswerSchema, ...problemResponses },
    },
    handler: async (
      request: FastifyRequest<{ Querystring: Static<typeof ImportQuery> }>,
      reply: FastifyReply,
    ) => {
      const head = checkBodyHead(request.headers, allowed);
      if (head.contentEncoding !== "identity") {
        throw new CodedError(
          "unsupported_encoding",
          "send click batches without a Content-Encoding",
          {
            field: "Content-Encoding",
          },
        );
      }
      using admitted = admission.enter(head.contentLength ?? 0);
      const bytes = await readWhole(request, head, allowed.bytesMax, (length) =>
        admitted.grow(length),
      );
      const received = rowCountOf(bytes);
      const positions = await ingest.appendBatch(bytes, request.query.source);
      const answer = { received, positions };
      if (request.query.wait === undefined) return answer;
      // A record holds rows of this batch alone, so all of its rows are meant.
      const rows = positions.map(({ partition, offset }) => ({
        partition,
        offset,
        fromRow: 0,
        toRow: received,
      }));
      const outcomes = await waitCounted(query, rows);
      return outcomes ? { ...answer, ...outcomes } : reply.code(202).send(answer);
    },
  });
}

/** CodedError `malformed_json` where there is nothing in it, since that is never meant. */
async function readWhole(
  request: FastifyRequest,
  { contentLength }: BodyHead,
  bytesMax: number,
  grow: (bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const isAnnounced = contentLength !== undefined;
  const bytes = await readBody(request.raw, {
    contentLength,
    bytesMax,
    ...(isAnnounced ? {} : { onGrowth: grow }),
  });
  if (bytes.length === 0) throw new CodedError("malformed_json", "the body is empty");
  return bytes;
}

/** See model/click-batch-codec.ts; ingest has checked the batch by the time this is told to anybody. */
function rowCountOf(batchBytes: Uint8Array): number {
  return batchBytes.length < 8
    ? 0
    : new DataView(batchBytes.buffer, batchBytes.byteOffset).getUint32(4, true);
}
