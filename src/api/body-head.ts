/** What the headers of a request say about its body, checked before the body is read. */

import type { IncomingHttpHeaders } from "node:http";
import type { ErrorCode } from "../model/errors.ts";
import { CodedError } from "../model/errors.ts";

export type ContentEncoding = "identity" | "gzip" | "zstd";

export interface BodyHead {
  /** Lower case, without parameters. */
  readonly contentType: string;
  readonly contentEncoding: ContentEncoding;
  /** Undefined where the body comes in chunks. */
  readonly contentLength: number | undefined;
}

export interface AllowedBody {
  readonly contentTypes: readonly string[];
  readonly contentEncodings: readonly ContentEncoding[];
  /** What an empty body is refused as. */
  readonly emptyCode: ErrorCode;
  readonly bytesMax: number;
}

/** CodedError `unsupported_media_type`, `unsupported_encoding` or `body_too_large`. */
export function checkBodyHead(headers: IncomingHttpHeaders, allowed: AllowedBody): BodyHead {
  const contentLength =
    headers["content-length"] === undefined ? undefined : Number(headers["content-length"]);
  if (contentLength !== undefined && contentLength > allowed.bytesMax)
    throw bodyTooLarge(allowed.bytesMax);
  return {
    contentType: checkContentType(headers["content-type"], allowed.contentTypes),
    contentEncoding: checkContentEncoding(headers["content-encoding"], allowed.contentEncodings),
    contentLength,
  };
}

export function bodyTooLarge(bytesMax: number): CodedError {
  return new CodedError(
    "body_too_large",
    `the body may have at most ${bytesMax} bytes; send it in parts`,
    {
      details: { max_bytes: bytesMax },
    },
  );
}

function checkContentType(header: string | undefined, supported: readonly string[]): string {
  const [mediaType = "", ...parameters] = (header ?? "").toLowerCase().split(";");
  const contentType = mediaType.trim();
  if (!supported.includes(contentType)) {
    const given =
      contentType === "" ? "there is no Content-Type" : `${contentType} is not supported`;
    throw unsupportedMediaType(`${given}; send ${supported.join(" or ")}`, supported);
  }
  const charset = parameters
    .map((parameter) => parameter.trim())
    .find((parameter) => parameter.startsWith("charset="));
  if (charset !== undefined && !/^charset="?utf-?8"?$/.test(charset)) {
    throw unsupportedMediaType(`${charset} is not supported; send UTF-8`, supported);
  }
  return contentType;
}

function unsupportedMediaType(message: string, supported: readonly string[]): CodedError {
  return new CodedError("unsupported_media_type", message, {
    field: "Content-Type",
    details: { supported },
  });
}

export function checkContentEncoding(
  header: string | undefined,
  supported: readonly ContentEncoding[],
): ContentEncoding {
  const given = header?.trim().toLowerCase() || "identity";
  const encoding = given === "x-gzip" ? "gzip" : given;
  const known = supported.find((candidate) => candidate === encoding);
  if (known !== undefined) return known;
  throw new CodedError(
    "unsupported_encoding",
    `${given} is not supported; send ${supported.join(" or ")}`,
    {
      field: "Content-Encoding",
      details: { supported },
    },
  );
}
