/** The questions: one ad's count, the most clicked ads, breakdowns, the ledger, the journal. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Static } from "typebox";
import { checkAdId } from "../ad-attributes.ts";
import { mergeParameters } from "../parameters.ts";
import {
  BreakdownAnswerSchema,
  CountAnswerSchema,
  ExplainAnswerSchema,
  LedgerAnswerSchema,
  RestatementsAnswerSchema,
  TopAnswerSchema,
  tabularResponses,
} from "../answer-schemas.ts";
import {
  AdPath,
  BreakdownBody,
  BreakdownQuery,
  CountQuery,
  ExplainQuery,
  RangeQuery,
  RestatementsQuery,
  TopQuery,
} from "../request-schemas.ts";
import type { QueryService } from "../../query/query-service.ts";
import type { ServiceParts } from "../service-parts.ts";
import {
  breakdownCsv,
  countCsv,
  explainCsv,
  ledgerCsv,
  restatementsCsv,
  sendTabular,
  topCsv,
} from "../tabular.ts";

export function registerQueryRoutes(server: FastifyInstance, { query }: ServiceParts): void {
  server.get("/v1/ads/:ad_id/aggregated_count", {
    schema: {
      tags: ["queries"],
      operationId: "countAd",
      summary: "How many clicks did an ad get?",
      params: AdPath,
      querystring: CountQuery,
      response: tabularResponses(CountAnswerSchema),
    },
    handler: async (
      request: FastifyRequest<{
        Params: Static<typeof AdPath>;
        Querystring: Static<typeof CountQuery>;
      }>,
      reply: FastifyReply,
    ) => {
      const ad_id = checkAdId(request.params.ad_id);
      return sendTabular(request, reply, await query.count({ ad_id, ...request.query }), countCsv);
    },
  });

  registerExplain(server, query);

  const topRoutes = { "/v1/ads/popular_ads": "getPopularAds", "/v1/top": "getTop" };
  for (const [url, operationId] of Object.entries(topRoutes)) {
    server.get(url, {
      schema: {
        tags: ["queries"],
        operationId,
        summary: "Which ads were clicked most?",
        description: "Exact; ties break by ad_id.",
        querystring: TopQuery,
        response: tabularResponses(TopAnswerSchema),
      },
      handler: async (
        request: FastifyRequest<{ Querystring: Static<typeof TopQuery> }>,
        reply: FastifyReply,
      ) => sendTabular(request, reply, await query.top(request.query), topCsv),
    });
  }

  registerBreakdown(server, query);

  server.get("/v1/ledger", {
    schema: {
      tags: ["queries"],
      operationId: "getLedger",
      summary: "What became of the clicks received, by minute of receipt and source",
      querystring: RangeQuery,
      response: tabularResponses(LedgerAnswerSchema),
    },
    handler: async (
      request: FastifyRequest<{ Querystring: Static<typeof RangeQuery> }>,
      reply: FastifyReply,
    ) => sendTabular(request, reply, await query.ledger(request.query), ledgerCsv),
  });

  server.get("/v1/restatements", {
    schema: {
      tags: ["queries"],
      operationId: "getRestatements",
      summary: "Which buckets changed after they were final, and why?",
      description:
        "The restatement journal. All pages of a list are as of the commit of the first.",
      querystring: RestatementsQuery,
      response: tabularResponses(RestatementsAnswerSchema),
    },
    handler: async (
      request: FastifyRequest<{ Querystring: Static<typeof RestatementsQuery> }>,
      reply: FastifyReply,
    ) => sendTabular(request, reply, await query.restatements(request.query), restatementsCsv),
  });
}

function registerExplain(server: FastifyInstance, query: QueryService): void {
  server.get("/v1/ads/:ad_id/explain", {
    schema: {
      tags: ["queries"],
      operationId: "explainAd",
      summary: "Which clicks are behind an ad's count?",
      description: "Every click of the range that matches, with what became of it.",
      params: AdPath,
      querystring: ExplainQuery,
      response: tabularResponses(ExplainAnswerSchema),
    },
    handler: async (
      request: FastifyRequest<{
        Params: Static<typeof AdPath>;
        Querystring: Static<typeof ExplainQuery>;
      }>,
      reply: FastifyReply,
    ) => {
      const ad_id = checkAdId(request.params.ad_id);
      return sendTabular(
        request,
        reply,
        await query.explain({ ad_id, ...request.query }),
        explainCsv,
      );
    },
  });
}

function registerBreakdown(server: FastifyInstance, query: QueryService): void {
  const send = async (
    request: FastifyRequest,
    reply: FastifyReply,
    parameters: Readonly<Record<string, string>>,
  ): Promise<FastifyReply> => {
    const hasStart = parameters["granularity"] !== undefined;
    const answer = await query.breakdown(parameters);
    return sendTabular(request, reply, answer, (breakdown) => breakdownCsv(breakdown, hasStart));
  };

  server.get("/v1/breakdown", {
    schema: {
      tags: ["queries"],
      operationId: "getBreakdown",
      summary: "Counts by up to three fields",
      querystring: BreakdownQuery,
      response: tabularResponses(BreakdownAnswerSchema),
    },
    handler: (
      request: FastifyRequest<{ Querystring: Static<typeof BreakdownQuery> }>,
      reply: FastifyReply,
    ) => send(request, reply, request.query),
  });

  server.post("/v1/breakdown", {
    schema: {
      tags: ["queries"],
      operationId: "postBreakdown",
      summary: "Counts by up to three fields, for filters that are too long for a URL",
      querystring: BreakdownQuery,
      body: BreakdownBody,
      response: tabularResponses(BreakdownAnswerSchema),
    },
    handler: (
      request: FastifyRequest<{
        Querystring: Static<typeof BreakdownQuery>;
        Body: Static<typeof BreakdownBody>;
      }>,
      reply: FastifyReply,
    ) => send(request, reply, mergeParameters(request.query, request.body)),
  });
}
