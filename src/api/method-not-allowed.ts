/** 405 for a path that exists under another method, 404 for the rest. */

import type { FastifyInstance } from "fastify";
import { CodedError } from "../model/errors.ts";

interface KnownRoute {
  readonly methods: readonly string[];
  readonly segments: readonly string[];
}

/** To be called before the routes are registered, so that it sees them all. */
export function registerNotFound(server: FastifyInstance): void {
  const routes: KnownRoute[] = [];
  server.addHook("onRoute", ({ method, url }) => {
    routes.push({ methods: Array.isArray(method) ? method : [method], segments: url.split("/") });
  });
  server.setNotFoundHandler((request) => {
    const path = request.url.split("?", 1)[0]!;
    const allowed = methodsOf(path.split("/"), routes);
    if (allowed.length === 0) throw new CodedError("not_found", `there is nothing at ${path}`);
    throw new CodedError("method_not_allowed", `${path} takes ${allowed.join(", ")}`, {
      details: { allow: allowed.join(", ") },
    });
  });
}

function methodsOf(segments: readonly string[], routes: readonly KnownRoute[]): string[] {
  const fits = (route: KnownRoute) =>
    route.segments.length === segments.length &&
    route.segments.every((known, index) => known.startsWith(":") || known === segments[index]);
  return [...new Set(routes.filter(fits).flatMap((route) => route.methods))].toSorted();
}
