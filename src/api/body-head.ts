/** What the headers of a request say about its body, checked before the body is read. */

import type { IncomingHttpHeaders } from "node:http";
import { CodedError } from "../model/errors.ts";

export interface BodyHead {
  /** Lower case, without parameters. */
  readonly contentType: string;
  readonly contentEncoding: "identity" | "gzip" | "zstd";
  /** Undefined where the body comes in chunks. */
  readonly contentLength: number | undefined;
}

export interface AllowedBody {
  readonly contentTypes: readonly string[];
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
    contentEncoding: checkContentEncoding(headers["content-encoding"]),
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

function checkContentEncoding(header: string | undefined): BodyHead["contentEncoding"] {
  const encoding = header?.trim().toLowerCase();
  switch (encoding) {
    case undefined:
    case "":
    case "identity":
      return "identity";
    case "gzip":
    case "x-gzip":
      return "gzip";
    case "zstd":
      return "zstd";
    default:
      throw new CodedError(
        "unsupported_encoding",
        `${encoding} is not supported; send gzip, zstd or none`,
        {
          field: "Content-Encoding",
          details: { supported: ["gzip", "zstd", "identity"] },
        },
      );
  }
}
