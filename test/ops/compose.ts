/** ops/compose.yaml, as it stands. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { opsDirectory } from "./rules.ts";

export interface ComposeService {
  readonly image: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: readonly string[] | Readonly<Record<string, unknown>>;
  readonly profiles?: readonly string[];
  readonly read_only?: boolean;
  readonly user?: string;
  readonly [field: string]: unknown;
}

export interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

export function readCompose(): Compose {
  return parse(readFileSync(join(opsDirectory, "compose.yaml"), "utf8"), {
    merge: true,
  }) as Compose;
}

/** Those of clicktally itself, by name. */
export function ownServices({ services }: Compose): Record<string, ComposeService> {
  const own = Object.entries(services).filter(([, { image }]) => image === "clicktally");
  return Object.fromEntries(own);
}
