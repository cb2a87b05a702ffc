import type { IncomingHttpHeaders } from "node:http";

/** What browsers say who load ahead of a person (`Sec-Purpose`), and what older ones and previews did. */
const purposeHeaders = ["sec-purpose", "purpose", "x-purpose", "x-moz"];

/** Nobody has clicked: the request is a look ahead, or only asks what there would be. */
export function isPrefetch(method: string, headers: IncomingHttpHeaders): boolean {
  if (method === "HEAD") return true;
  return purposeHeaders.some((name) =>
    /\b(?:prefetch|prerender|preview)\b/i.test(String(headers[name])),
  );
}
