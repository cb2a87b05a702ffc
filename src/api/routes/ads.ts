/** Attributes of ads. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Static } from "typebox";
import { CodedError } from "../../model/errors.ts";
import { formatMinute } from "../../model/time.ts";
import { checkAdId, parseAdChange, parseAdChanges } from "../ad-attributes.ts";
import {
  AdAnswerSchema,
  AdChangeAnswerSchema,
  AdsChangeAnswerSchema,
  problemResponses,
} from "../answer-schemas.ts";
import { utf8Text } from "../json-bodies.ts";
import { AdBody, AdPath, AdsBody, NoQuery } from "../request-schemas.ts";
import type { ServiceParts } from "../service-parts.ts";
import { waitMsMax } from "../wait-counted.ts";

export function registerAdRoutes(server: FastifyInstance, parts: ServiceParts): void {
  const { ingest, query, settings } = parts;

  server.get("/v1/ads/:ad_id", {
    schema: {
      tags: ["ads"],
      operationId: "getAd",
      summary: "The attributes of an ad",
      description:
        "An ad that is called `popular_ads` can't be read here, since `/v1/ads/popular_ads` is a query; " +
        "`/v1/breakdown` with `by=ad.campaign_id&filter=ad_id==popular_ads` tells its attributes.",
      params: AdPath,
      querystring: NoQuery,
      response: { 200: AdAnswerSchema, ...problemResponses },
    },
    handler: (request: FastifyRequest<{ Params: Static<typeof AdPath> }>) =>
      query.ad(checkAdId(request.params.ad_id)),
  });

  server.put("/v1/ads/:ad_id", {
    config: { scope: "admin" },
    schema: {
      tags: ["ads"],
      operationId: "putAd",
      summary: "Set attributes of an ad",
      description:
        "They hold from the minute of valid_from on (default: now); earlier minutes keep what they had. Answers once " +
        "queries see the change, or after 5 s with 202: durable, but not yet seen.",
      params: AdPath,
      querystring: NoQuery,
      body: AdBody,
      response: { 200: AdChangeAnswerSchema, 202: AdChangeAnswerSchema, ...problemResponses },
    },
    handler: async (
      request: FastifyRequest<{ Params: Static<typeof AdPath> }>,
      reply: FastifyReply,
    ) => {
      const rules = { attributes: settings.adAttributes, nowMs: Date.now() };
      const change = parseAdChange(request.params.ad_id, request.body, rules);
      const positions = await ingest.appendControl({ type: "ad_attributes", changes: [change] });
      if (!(await query.committed(positions, waitMsMax))) reply.code(202);
      const { ad_id, attributes, valid_from_minute } = change;
      return { ad_id, attributes, valid_from: formatMinute(valid_from_minute) };
    },
  });

  registerBulk(server, parts);
}

function registerBulk(server: FastifyInstance, { ingest, query, settings }: ServiceParts): void {
  void server.register((scope, _options, done) => {
    scope.addContentTypeParser(
      "application/x-ndjson",
      { parseAs: "buffer" },
      (_request, body, parsed) => {
        try {
          parsed(null, parseNdjson(utf8Text(body as Buffer)));
        } catch (error) {
          parsed(error as CodedError);
        }
      },
    );
    scope.post("/v1/ads", {
      config: { documentedBody: AdsBody, scope: "admin" },
      schema: {
        tags: ["ads"],
        operationId: "postAds",
        summary: "Set attributes of many ads",
        description:
          "An array, or NDJSON, of objects as for one ad, each with its ad_id. All are taken or none.",
        consumes: ["application/json", "application/x-ndjson"],
        querystring: NoQuery,
        response: { 200: AdsChangeAnswerSchema, 202: AdsChangeAnswerSchema, ...problemResponses },
      },
      handler: async (request: FastifyRequest, reply: FastifyReply) => {
        const items = Array.isArray(request.body) ? (request.body as unknown[]) : [request.body];
        if (items.length > settings.limits.itemsMax) {
          throw new CodedError(
            "batch_too_large",
            `a body may have at most ${settings.limits.itemsMax} items`,
            {
              details: { max_items: settings.limits.itemsMax },
            },
          );
        }
        const changes = parseAdChanges(items, {
          attributes: settings.adAttributes,
          nowMs: Date.now(),
        });
        if (changes.length > 0) {
          const positions = await ingest.appendControl({ type: "ad_attributes", changes });
          if (!(await query.committed(positions, waitMsMax))) reply.code(202);
        }
        return { received: items.length, accepted: changes.length };
      },
    });
    done();
  });
}

function parseNdjson(text: string): unknown[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.map((line, index) => {
    try {
      return JSON.parse(line) as unknown;
    } catch (error) {
      throw new CodedError("malformed_json", `item ${index}: ${(error as Error).message}`, {
        field: `[${index}]`,
        cause: error,
      });
    }
  });
}
