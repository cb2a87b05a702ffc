import type { IncomingHttpHeaders } from "node:http";

/** What older browsers said who load ahead of a person, and what previews say. */
const purposeHeaders = ["purpose", "x-purpose", "x-moz"];
const pattern = /\b(?:prefetch|prerender|preview)\b/i;

/**
 * Whether nobody has clicked yet. `kept`: a browser loads what a person may come to follow, and does not ask again when that
 * happens, whatever the answer says of caching: who redirects it loses the click.
 */
export function lookAhead(
  method: string,
  headers: IncomingHttpHeaders,
): "kept" | "looked at" | undefined {
  if (pattern.test(String(headers["sec-purpose"]))) return "kept";
  const isLook = purposeHeaders.some((name) => pattern.test(String(headers[name])));
  return isLook || method === "HEAD" ? "looked at" : undefined;
}
