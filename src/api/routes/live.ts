/** What happens now, as a stream of server-sent events. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Static } from "typebox";
import { liveResponses } from "../live-schemas.ts";
import { LiveFeed } from "../live-feed.ts";
import { LiveStreams } from "../live-streams.ts";
import { LiveQuery } from "../request-schemas.ts";
import type { ServiceParts } from "../service-parts.ts";

export function registerLiveRoute(server: FastifyInstance, { query }: ServiceParts): void {
  const streams = new LiveStreams(new LiveFeed({ query }));
  server.addHook("preClose", (done) => {
    streams.close();
    done();
  });
  server.get("/v1/live", {
    // Its answer to HEAD would be a stream that nobody reads to its end.
    exposeHeadRoute: false,
    config: { isStream: true },
    schema: {
      tags: ["queries"],
      operationId: "getLive",
      summary: "What happens now?",
      description:
        "Server-sent events, about one a second: totals, watermark and lag as `/v1/status` tells them, and the most " +
        "clicked ads of a window as `/v1/top` does. An event `problem` says why there is no answer this time. A slow reader " +
        "is told the newest and not all between.",
      querystring: LiveQuery,
      response: liveResponses,
    },
    handler: async (
      request: FastifyRequest<{ Querystring: Static<typeof LiveQuery> }>,
      reply: FastifyReply,
    ) => {
      const stream = await streams.start(request.query);
      return reply
        .header("cache-control", "no-store")
        .header("x-accel-buffering", "no")
        .type("text/event-stream")
        .send(stream);
    },
  });
}
