/** What commits changed, as a stream. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Static } from "typebox";
import { changesResponses } from "../answer-schemas.ts";
import { ChangesStreams } from "../changes-streams.ts";
import { changesAsEvents, changesAsLines } from "../changes-text.ts";
import { prefersEvents } from "../negotiate.ts";
import { ChangesQuery } from "../request-schemas.ts";
import type { ServiceParts } from "../service-parts.ts";

/** Proxies commonly close what is silent for a minute, some after half of one. */
const heartbeatMs = 15_000;

export function registerChangesRoute(server: FastifyInstance, { query }: ServiceParts): void {
  const streams = new ChangesStreams();
  server.addHook("preClose", (done) => {
    streams.close();
    done();
  });
  server.get("/v1/changes", {
    // Its answer to HEAD would be a stream that nobody reads to its end.
    exposeHeadRoute: false,
    config: { isStream: true },
    schema: {
      tags: ["queries"],
      operationId: "getChanges",
      summary: "What did commits change?",
      description:
        "The counts of minutes that changed, as absolute values, each with the commit that changed it last; count 0 " +
        "where nothing is left. A mark says that everything up to its commit has been told: who keeps the last mark " +
        "that it has applied, and goes on with `since` from there, misses nothing. A row may be told again. Goes on " +
        "until the caller leaves, unless `follow=false`. 410 `history_replaced` where the store was put back to what " +
        "it was before the mark: begin again with `since=0`, on an empty table.",
      querystring: ChangesQuery,
      response: changesResponses,
    },
    handler: async (
      request: FastifyRequest<{ Querystring: Static<typeof ChangesQuery> }>,
      reply: FastifyReply,
    ) => {
      const form = prefersEvents(request.headers.accept) ? changesAsEvents : changesAsLines;
      const { filter, follow } = request.query;
      // What a browser sends when it connects again, to the URL it began with.
      const since = request.headers["last-event-id"] ?? request.query.since;
      const stream = await streams.start({
        query,
        request: {
          ...(filter !== undefined && { filter }),
          ...(since !== undefined && { since: String(since) }),
        },
        form,
        follow: follow !== "false",
        heartbeatMs,
      });
      return reply
        .header("cache-control", "no-store")
        .header("vary", "accept")
        .header("x-accel-buffering", "no")
        .type(form.contentType)
        .send(stream);
    },
  });
}
