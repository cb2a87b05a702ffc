/** For whoever watches the service: health, readiness and metrics. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { ServiceMetrics } from "../../metrics/service-metrics.ts";
import { CodedError } from "../../model/errors.ts";
import type { Health } from "../../model/health.ts";
import { formatMinute } from "../../model/time.ts";
import { HealthAnswerSchema, problemResponses } from "../answer-schemas.ts";
import type { ServiceParts } from "../service-parts.ts";

export function registerHealthRoutes(
  server: FastifyInstance,
  { health, metrics, readiness }: ServiceParts,
): void {
  server.get("/healthz", {
    config: { scope: "none", isProbe: true },
    schema: {
      tags: ["operations"],
      operationId: "getHealth",
      summary: "Are the numbers right, as far as the service knows?",
      description:
        "503 `unhealthy` where the ledger does not balance, or where the service has found minutes whose counts are not " +
        "those of their raw clicks and that are not right again. A restart mends neither.",
      response: { 200: HealthAnswerSchema, ...problemResponses },
    },
    handler: () => {
      const problem = problemOfHealth(health());
      if (problem) throw problem;
      return { status: "ok" };
    },
  });

  server.get("/readyz", {
    config: { scope: "none", isProbe: true },
    schema: {
      tags: ["operations"],
      operationId: "getReadiness",
      summary: "Can it take clicks and answer queries?",
      response: { 200: HealthAnswerSchema, ...problemResponses },
    },
    handler: () => {
      const state = readiness();
      if (!state.ready) throw new CodedError("not_ready", state.reason);
      return { status: "ready" };
    },
  });

  server.get("/metrics", {
    schema: {
      tags: ["operations"],
      operationId: "getMetrics",
      summary: "Metrics for Prometheus",
      response: {
        200: {
          description: "The text format of Prometheus.",
          content: { "text/plain": { schema: Type.String() } },
        },
        ...problemResponses,
      },
    },
    handler: async (_request: FastifyRequest, reply: FastifyReply) => {
      const text = await metrics.text();
      return reply.type(ServiceMetrics.contentType).send(text);
    },
  });
}

function problemOfHealth({ ledgerImbalance, mismatchedMinutes }: Health): CodedError | undefined {
  const minutes = mismatchedMinutes.map(formatMinute);
  const wrong = [
    ...(ledgerImbalance === 0 ? [] : [`the ledger does not balance by ${ledgerImbalance} clicks`]),
    ...(minutes.length === 0
      ? []
      : [`the counts of these minutes are not those of their raw clicks: ${minutes.join(", ")}`]),
  ];
  if (wrong.length === 0) return undefined;
  return new CodedError("unhealthy", wrong.join("; "), {
    details: { ledger_imbalance: ledgerImbalance, mismatched_minutes: minutes },
  });
}
