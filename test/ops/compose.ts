/** The files for compose, as they stand. */

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
  readonly read_only?: boolean;
  readonly user?: string;
  readonly [field: string]: unknown;
}

export interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

/** Of ops/compose.yaml; `withReplicas`: and of ops/compose.replicas.yaml on top of it, as compose puts them together. */
export function readCompose({ withReplicas = false } = {}): Compose {
  const base = readFile("compose.yaml");
  if (!withReplicas) return base;
  const more = readFile("compose.replicas.yaml");
  const services = { ...base.services };
  for (const [name, service] of Object.entries(more.services)) {
    const volumes = [...(services[name]?.volumes ?? []), ...(service.volumes ?? [])];
    services[name] = { ...services[name], ...service, volumes };
  }
  return { ...base, services, volumes: { ...base.volumes, ...more.volumes } };
}

function readFile(name: string): Compose {
  return parse(readFileSync(join(opsDirectory, name), "utf8"), { merge: true }) as Compose;
}

/** Those of clicktally itself, by name. */
export function ownServices({ services }: Compose): Record<string, ComposeService> {
  const own = Object.entries(services).filter(([, { image }]) => image === "clicktally");
  return Object.fromEntries(own);
}
