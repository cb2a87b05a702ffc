/** `POST /v1/clicks` and the import of batches: bodies that are never parsed in this thread. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Static } from "typebox";
import type { AdmissionGate } from "../../ingest/backpressure.ts";
import { decodeClickBatch } from "../../model/click-batch-codec.ts";
import { CodedError } from "../../model/errors.ts";
import type { AllowedBody, BodyHead } from "../body-head.ts";
import { checkBodyHead } from "../body-head.ts";
import {
  ClicksAnswerSchema,
  ImportAnswerSchema,
  problemResponses,
  refusedClicksResponse,
} from "../answer-schemas.ts";
import { BatchBody, ClicksBody, ImportQuery, WaitQuery } from "../request-schemas.ts";
import { readBody } from "../read-body.ts";
import type { ServiceParts } from "../service-parts.ts";
import { sourceOf } from "../source.ts";
import { waitCounted } from "../wait-counted.ts";

const clickBodies = {
  contentTypes: ["application/json", "application/x-ndjson"],
  contentEncodings: ["identity", "gzip", "zstd"],
  emptyCode: "malformed_json",
} as const;
const batchBodies = {
  contentTypes: ["application/vnd.clicktally.click-batch"],
  contentEncodings: ["identity"],
  emptyCode: "malformed_encoding",
} as const;

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
  { ingest, query, admission, settings, metrics }: ServiceParts,
): void {
  const allowed = { ...clickBodies, bytesMax: settings.limits.bodyBytesMax };
  scope.post("/v1/clicks", {
    config: { documentedBody: ClicksBody },
    schema: {
      tags: ["clicks"],
      operationId: "postClicks",
      summary: "Take in clicks",
      description:
        "A click as a JSON object, an array of clicks, or NDJSON; plain, gzip or zstd. Answers once the accepted " +
        "clicks are durable. A bad item is named in `errors` and costs nothing that is good. With `wait=counted` it " +
        "answers once they are counted, or after 5 s with 202: accepted, but undecided.",
      consumes: [...clickBodies.contentTypes],
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
      const source = sourceOf(request);
      const { ranges, ...answer } = await takeBody(request, admission, allowed, (bytes, head) =>
        metrics.acked(source, () =>
          ingest.accept({
            bytes,
            contentType: head.contentType,
            contentEncoding: head.contentEncoding,
            source,
            history: false,
          }),
        ),
      );
      if (answer.accepted === 0 && answer.received > 0) return reply.code(400).send(answer);
      if (request.query.wait === undefined) return answer;
      const outcomes = await waitCounted(query, ranges);
      return outcomes ? { ...answer, ...outcomes } : reply.code(202).send(answer);
    },
  });
}

function registerImport(
  scope: FastifyInstance,
  { ingest, query, admission, settings, metrics }: ServiceParts,
): void {
  const allowed = { ...batchBodies, bytesMax: settings.limits.bodyBytesMax };
  scope.post("/v1/admin/import", {
    config: { documentedBody: BatchBody },
    schema: {
      tags: ["admin"],
      operationId: "importBatch",
      summary: "Take in a batch of history",
      description:
        "A click batch in its binary form, as `clicktally import --url` sends it: never late, any age.",
      consumes: [...batchBodies.contentTypes],
      querystring: ImportQuery,
      response: { 200: ImportAnswerSchema, 202: ImportAnswerSchema, ...problemResponses },
    },
    handler: async (
      request: FastifyRequest<{ Querystring: Static<typeof ImportQuery> }>,
      reply: FastifyReply,
    ) => {
      const answer = await takeBody(request, admission, allowed, async (bytes) => {
        const received = rowCountOf(bytes);
        return { received, positions: await ingest.appendBatch(bytes, request.query.source) };
      });
      metrics.noteReceived(request.query.source, answer.received);
      if (request.query.wait === undefined) return answer;
      // A record holds rows of this batch alone, so all of its rows are meant.
      const rows = answer.positions.map(({ partition, offset }) => ({
        partition,
        offset,
        fromRow: 0,
        toRow: answer.received,
      }));
      const outcomes = await waitCounted(query, rows);
      return outcomes ? { ...answer, ...outcomes } : reply.code(202).send(answer);
    },
  });
}

/**
 * Reads the body once there is room for it and hands it on; its place is free again when `take` has resolved, so
 * that waiting for the outcomes keeps nobody out.
 */
async function takeBody<Answer>(
  request: FastifyRequest,
  admission: AdmissionGate,
  allowed: AllowedBody,
  take: (bytes: Uint8Array<ArrayBuffer>, head: BodyHead) => Promise<Answer>,
): Promise<Answer> {
  const head = checkBodyHead(request.headers, allowed);
  const { contentLength } = head;
  using admitted = admission.enter(contentLength ?? 0);
  const bytes = await readBody(request.raw, {
    contentLength,
    bytesMax: allowed.bytesMax,
    // What was announced has its room already.
    ...(contentLength === undefined ? { onGrowth: (more) => admitted.grow(more) } : {}),
  });
  if (bytes.length === 0) throw new CodedError(allowed.emptyCode, "the body is empty");
  return await take(bytes, head);
}

function rowCountOf(batchBytes: Uint8Array): number {
  try {
    return decodeClickBatch(batchBytes).rowCount;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CodedError("malformed_encoding", `the bytes are no click batch: ${why}`, { cause });
  }
}
