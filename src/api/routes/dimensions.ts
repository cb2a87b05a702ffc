import type { FastifyInstance } from "fastify";
import { problemResponses } from "../answer-schemas.ts";
import type { DimensionsAnswer } from "../live-schemas.ts";
import { DimensionsAnswerSchema } from "../live-schemas.ts";
import { NoQuery } from "../request-schemas.ts";
import type { ServiceParts } from "../service-parts.ts";

export function registerDimensionsRoute(server: FastifyInstance, { settings }: ServiceParts): void {
  const answer: DimensionsAnswer = {
    dimensions: settings.dimensions,
    ads: settings.adAttributes,
  };
  server.get("/v1/dimensions", {
    schema: {
      tags: ["queries"],
      operationId: "getDimensions",
      summary: "Which fields are there to filter and group by?",
      description: "Those that the process is configured with, beside `ad_id`.",
      querystring: NoQuery,
      response: { 200: DimensionsAnswerSchema, ...problemResponses },
    },
    handler: () => answer,
  });
}
