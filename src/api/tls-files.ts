/** The certificate of a server, read again as its files change: renewed ones need no restart. */

import { readFileSync } from "node:fs";
import type { Server } from "node:https";
import { createSecureContext } from "node:tls";
import { watchText } from "../files/watched-text.ts";
import type { Log } from "../logging/log.ts";
import { CodedError } from "../model/errors.ts";

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** CodedError `invalid_configuration` where they can't be read, or don't belong together. */
export function readCertificate({ certFile, keyFile }: TlsFiles): Certificate {
  try {
    const certificate = {
      cert: readFileSync(certFile, "utf8"),
      key: readFileSync(keyFile, "utf8"),
    };
    createSecureContext(certificate);
    return certificate;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CodedError(
      "invalid_configuration",
      `the certificate ${certFile} with the key ${keyFile} can't be used: ${why}`,
      { field: "tls.cert_file", cause },
    );
  }
}

/** Until it is disposed. While the two don't belong together, as in the middle of a renewal, the ones before stay. */
export function watchCertificate(
  files: TlsFiles,
  { cert, key }: Certificate,
  server: Server,
  log: Log,
): Disposable {
  const take = (): void => {
    try {
      server.setSecureContext(readCertificate(files));
      log.info("the certificate has changed");
    } catch (error) {
      log.warn({ reason: (error as Error).message }, "the certificate before is used on");
    }
  };
  const watch = (path: string, text: string): Disposable =>
    watchText({
      path,
      text,
      onText: take,
      onProblem: (error) => log.warn({ reason: error.message }, `${path} can't be read`),
    });
  const watches = [watch(files.certFile, cert), watch(files.keyFile, key)];
  return {
    [Symbol.dispose]() {
      for (const one of watches) one[Symbol.dispose]();
    },
  };
}
