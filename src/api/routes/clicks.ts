/** `POST /v1/clicks` and the import of batches: bodies that are never parsed in this thread. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Static } from "typebox";
import type { Admission, AdmissionGate } from "../../ingest/backpressure.ts";
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
import { registerCors } from "../cors.ts";
import { readBody } from "../read-body.ts";
import type { ServiceParts } from "../service-parts.ts";
import { SlowBodies } from "../slow-bodies.ts";
import { sourceOf } from "../source.ts";
import { waitCounted } from "../wait-counted.ts";

const clicksPath = "/v1/clicks";
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
    registerCors(scope, clicksPath, parts.settings.corsOrigins);
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, payload, parsed) => parsed(null, payload));
    const door = { admission: parts.admission, slowBodies: new SlowBodies() };
    registerClicks(scope, parts, door);
    registerImport(scope, parts, door);
    done();
  });
}

function registerClicks(
  scope: FastifyInstance,
  { ingest, query, settings, metrics }: ServiceParts,
  door: Door,
): void {
  const allowed = { ...clickBodies, bytesMax: settings.limits.bodyBytesMax };
  scope.post(clicksPath, {
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
      const { ranges, ...answer } = await takeBody(request, door, allowed, (bytes, head) =>
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
  { ingest, query, settings, metrics }: ServiceParts,
  door: Door,
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
      const answer = await takeBody(request, door, allowed, async (bytes) => {
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

/** Where bodies come in: the places that there are, and who holds one too long. */
interface Door {
  readonly admission: AdmissionGate;
  readonly slowBodies: SlowBodies;
}

/**
 * Reads the body once there is room for it and hands it on; its place is free again when `take` has resolved, so
 * that waiting for the outcomes keeps nobody out.
 */
async function takeBody<Answer>(
  request: FastifyRequest,
  door: Door,
  allowed: AllowedBody,
  take: (bytes: Uint8Array<ArrayBuffer>, head: BodyHead) => Promise<Answer>,
): Promise<Answer> {
  const head = checkBodyHead(request.headers, allowed);
  using admitted = enter(door, head.contentLength ?? 0);
  const bytes = await read(request, door, head, admitted, allowed.bytesMax);
  if (bytes.length === 0) throw new CodedError(allowed.emptyCode, "the body is empty");
  return await take(bytes, head);
}

function enter({ admission, slowBodies }: Door, bytes: number): Admission {
  try {
    return admission.enter(bytes);
  } catch (error) {
    // This one is to come again; by then there are places.
    if (error instanceof CodedError && error.code === "overloaded") slowBodies.cut();
    throw error;
  }
}

async function read(
  request: FastifyRequest,
  { slowBodies }: Door,
  { contentLength }: BodyHead,
  admitted: Admission,
  bytesMax: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const reading = slowBodies.begin(request.raw.socket);
  try {
    return await readBody(request.raw, {
      contentLength,
      bytesMax,
      // What was announced has its room already.
      ...(contentLength === undefined ? { onGrowth: (more) => admitted.grow(more) } : {}),
    });
  } finally {
    reading[Symbol.dispose]();
  }
}

function rowCountOf(batchBytes: Uint8Array): number {
  try {
    return decodeClickBatch(batchBytes).rowCount;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CodedError("malformed_encoding", `the bytes are no click batch: ${why}`, { cause });
  }
}
