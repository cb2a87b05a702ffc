/** The API described by its own schemas: `/openapi.json` and, for people, `/docs`. */

import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyContextConfig, FastifyInstance, FastifySchema } from "fastify";
import { keyResponses, limitResponse } from "./answer-schemas.ts";
import type { DocumentedBody } from "./request-schemas.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Of a route that checks its body by itself. */
    documentedBody?: DocumentedBody;
  }
}

/** The pages put styles on single elements, and nothing else that is not in a file from here. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const schemeName = "key";

const logo =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 180 40"><text y="30" fill="#fff" ' +
  'font-family="sans-serif" font-size="28">clicktally</text></svg>';

/** To be called before the routes are registered. */
export function registerOpenApi(server: FastifyInstance, version: string): void {
  void server.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "clicktally",
        description: "Counts ad clicks exactly and tells how final every number is.",
        version,
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      servers: [{ url: "/" }],
      tags: [
        { name: "clicks" },
        { name: "queries" },
        { name: "ads" },
        { name: "operations" },
        { name: "admin" },
      ],
      components: {
        securitySchemes: {
          [schemeName]: {
            type: "http",
            scheme: "bearer",
            description:
              "An API key, as `clicktally keys create` makes it. It has scopes: `ingest` sends clicks, `query` asks, `admin` may " +
              "both and changes what was counted. A service without keys asks nobody for one.",
          },
        },
      },
    },
    transform: ({ schema, url, route: { config } }) => {
      const body = config?.documentedBody;
      const withBody = body === undefined ? schema : { ...schema, body };
      return { schema: { ...withBody, ...guardedBy(config, schema) }, url };
    },
    transformObject: (document) => {
      if (!("openapiObject" in document)) return document.swaggerObject;
      for (const path of Object.values(document.openapiObject.paths ?? {}))
        for (const operation of Object.values(path ?? {})) relaxEmptyBody(operation);
      return document.openapiObject;
    },
  });
  // Everything it shows is served from here: it works without a way to the outside.
  void server.register(swaggerUi, {
    routePrefix: "/docs",
    staticCSP: pagePolicy,
    theme: { title: "clicktally API" },
    logo: { type: "image/svg+xml", content: Buffer.from(logo), href: "/docs" },
  });
  server.get("/openapi.json", { schema: { hide: true }, config: { scope: "none" } }, () =>
    server.swagger(),
  );
}

/** What the description says of who may ask. */
function guardedBy(config: FastifyContextConfig = {}, schema: FastifySchema): FastifySchema {
  const { scope, isProbe } = config;
  const { description } = schema;
  const response = { ...(schema.response as object), ...(isProbe !== true && limitResponse) };
  if (scope === undefined || scope === "none") return { security: [], response };
  const asks = `Needs a key with the scope \`${scope}\`.`;
  return {
    description: description === undefined ? asks : `${description} ${asks}`,
    // The names of scopes are for documentation alone where a scheme is not OAuth's.
    security: [{ [schemeName]: [scope] }],
    response: { ...response, ...keyResponses },
  };
}

/** A body that may be null may be left out; the generator calls every body required. */
function relaxEmptyBody(operation: unknown): void {
  const { requestBody } = operation as {
    readonly requestBody?: {
      required: boolean;
      readonly content: Readonly<Record<string, { readonly schema: { readonly type?: unknown } }>>;
    };
  };
  if (!requestBody) return;
  const types = Object.values(requestBody.content).map(({ schema }) => schema.type);
  requestBody.required = !types.every((type) => Array.isArray(type) && type.includes("null"));
}
