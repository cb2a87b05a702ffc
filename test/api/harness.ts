/** Servers for tests: the HTTP side alone, listening on a free port. */

import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import type { FastifyInstance } from "fastify";
import { createServer } from "../../src/api/server.ts";
import type { DashboardFiles } from "../../src/api/dashboard-files.ts";
import type { Readiness, ServiceParts } from "../../src/api/service-parts.ts";
import type { BackupService, ExportService } from "../../src/backup/backup-service.ts";
import { AdminLog } from "../../src/access/admin-log.ts";
import { KeyRing } from "../../src/access/key-ring.ts";
import type { SettingName } from "../../src/config/keys.ts";
import { loadSettings } from "../../src/config.ts";
import { AdmissionGate } from "../../src/ingest/backpressure.ts";
import type { IngestService } from "../../src/ingest/ingest-service.ts";
import type { Log } from "../../src/logging/log.ts";
import { silentLog } from "../../src/logging/log.ts";
import { ServiceMetrics } from "../../src/metrics/service-metrics.ts";
import { soundHealth } from "../../src/model/health.ts";
import type { Health } from "../../src/model/health.ts";
import type { QueryService } from "../../src/query/query-service.ts";

export interface HttpSide extends AsyncDisposable {
  readonly url: string;
  readonly server: FastifyInstance;
}

/** A part of the service of which a test reaches only the given methods: calling any other is an error. */
function partWith<Part extends object>(part: string, methods: Partial<Part>): Part {
  return new Proxy(methods as Part, {
    get: (target, name) => {
      if (name in target) return target[name as keyof Part];
      return () => {
        throw new Error(`${part}.${String(name)} was reached`);
      };
    },
  });
}

export interface Parts {
  readonly ingest?: Partial<IngestService>;
  readonly query?: Partial<QueryService>;
  readonly backups?: Partial<BackupService>;
  readonly exports?: Partial<ExportService>;
  readonly readiness?: () => Readiness;
  readonly health?: Health;
  readonly log?: Log;
  readonly dashboard?: DashboardFiles;
  readonly keys?: KeyRing;
}

/** For what is decided before ingest or query have a say, and for what they can't be brought to do at will. */
export async function startHttpSide(
  flags: Readonly<Partial<Record<SettingName, string>>> = {},
  {
    ingest = {},
    query = {},
    backups = {},
    exports = {},
    readiness = () => ({ ready: true }),
    health = soundHealth,
    log = silentLog(),
    dashboard,
    keys = KeyRing.none(log),
  }: Parts = {},
): Promise<HttpSide> {
  const settings = loadSettings({ flags: { "log.level": "silent", ...flags } });
  const parts: ServiceParts = {
    settings,
    keys,
    adminLog: new AdminLog(undefined, log),
    log,
    ingest: partWith("ingest", ingest),
    query: partWith("query", query),
    backups: partWith("backups", backups),
    exports: partWith("exports", exports),
    admission: new AdmissionGate(settings.limits),
    readiness,
    health: () => health,
    watchers: async () => [],
    ...(dashboard && { dashboard }),
    metrics: new ServiceMetrics({
      status: async () => partWith("query", query).status(),
      engineText: async () => "",
    }),
  };
  const server = createServer({ ...parts, version: "0.0.0" });
  await server.listen({ host: "127.0.0.1", port: 0 });
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    server,
    [Symbol.asyncDispose]: async () => {
      await server.close();
    },
  };
}

export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly field?: string;
  readonly detail: string;
  readonly [member: string]: unknown;
}

export const json = { "content-type": "application/json" };

export async function problemOf(response: Response): Promise<Problem> {
  assert.match(response.headers.get("content-type") ?? "", /^application\/problem\+json/);
  const problem = (await response.json()) as Problem;
  assert.equal(problem.status, response.status);
  assert.equal(problem["type"], `urn:clicktally:problem:${problem.code}`);
  assert.ok(problem["title"]);
  assert.ok(problem.detail);
  return problem;
}

/** Sends bytes as they are and returns all that comes back. */
export async function talk(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let answer = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => (answer += chunk));
  socket.write(text);
  await once(socket, "close");
  return answer;
}
