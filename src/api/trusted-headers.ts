import type { FastifyRequest } from "fastify";

/** By a name of one's own, the header that says it, in lower case. */
export type HeaderNames = Readonly<Record<string, string>>;

/** What the headers of the request say, by name; nothing where it was not a trusted proxy that has sent it. */
export function trustedHeaders(
  request: FastifyRequest,
  names: HeaderNames,
  isProxy: (address: string) => boolean,
): Readonly<Record<string, string>> {
  // Not `request.ip`, which is whom the proxy speaks of.
  if (!isProxy(request.raw.socket.remoteAddress ?? "")) return {};
  const said = Object.entries(names).flatMap(([name, header]) => {
    const value = request.headers[header];
    return typeof value === "string" ? [[name, value] as const] : [];
  });
  return Object.fromEntries(said);
}
