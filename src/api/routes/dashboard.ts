/** `/`: the dashboard, or a plain word where there is none. All views are one page, which reads the rest of its address. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { CodedError } from "../../model/errors.ts";
import type { DashboardFile, FileForm } from "../dashboard-files.ts";
import type { ServiceParts } from "../service-parts.ts";

/** Nothing but what the service itself serves is loaded, run or asked, and nobody puts the page into theirs. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const notBuilt = `clicktally is running. Its dashboard is not built here: npm run dashboard builds it, for the next start.

The API is described at docs (for people) and openapi.json.
`;

export function registerDashboardRoutes(
  server: FastifyInstance,
  { dashboard, settings }: ServiceParts,
): void {
  // The page is nobody's secret: what it asks the service for needs a key.
  const open = { schema: { hide: true }, config: { scope: "none" } } as const;
  server.get("/", open, (request: FastifyRequest, reply: FastifyReply) => {
    const page = dashboard?.get("index.html");
    if (page) return sendFile(request, reply, page);
    if (settings.role === "ingest")
      throw new CodedError(
        "other_role",
        "this process has no dashboard: ask one with the role query",
        {
          details: { role: "query" },
        },
      );
    return reply
      .type("text/plain; charset=utf-8")
      .header("cache-control", "no-store")
      .send(notBuilt);
  });
  server.get(
    "/assets/:file",
    open,
    (request: FastifyRequest<{ Params: { file: string } }>, reply: FastifyReply) => {
      const path = `assets/${request.params.file}`;
      const file = dashboard?.get(path);
      if (!file) throw new CodedError("not_found", `there is nothing at /${path}`);
      return sendFile(request, reply, file);
    },
  );
}

function sendFile(request: FastifyRequest, reply: FastifyReply, file: DashboardFile): FastifyReply {
  const form = formFor(file, request.headers["accept-encoding"]);
  reply
    .header("content-security-policy", contentSecurityPolicy)
    .header("etag", form.etag)
    .header("vary", "accept-encoding")
    .header("cache-control", file.isImmutable ? "public, max-age=31536000, immutable" : "no-cache");
  if (knows(request.headers["if-none-match"], form.etag)) return reply.code(304).send();
  if (form.encoding !== "identity") reply.header("content-encoding", form.encoding);
  return reply.type(file.contentType).send(form.body);
}

/** The first that the caller takes; weights below 1 are not compared, for none of the forms is much dearer to it. */
function formFor({ forms }: DashboardFile, accept = ""): FileForm {
  const refused = /;\s*q=0(?:\.0*)?$/;
  const parts = accept.split(",").map((part) => part.trim().toLowerCase());
  const taken = new Set(
    parts.filter((part) => !refused.test(part)).map((part) => part.split(";", 1)[0]!.trim()),
  );
  return (
    forms.find(({ encoding }) => encoding === "identity" || taken.has(encoding)) ?? forms.at(-1)!
  );
}

function knows(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const known = new Set(ifNoneMatch.split(",").map((part) => part.trim().replace(/^W\//, "")));
  return known.has(etag) || known.has("*");
}
