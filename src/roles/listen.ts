import { fileURLToPath } from "node:url";
import { readDashboard } from "../api/dashboard-files.ts";
import { createServer } from "../api/server.ts";
import type { ServiceParts } from "../api/service-parts.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { packageVersion } from "./release.ts";

/** In a checkout, where the build puts it, and in the package. */
const dashboardDirectory = fileURLToPath(new URL("../../dist/dashboard/", import.meta.url));

/** Connections that the system keeps until they are accepted; it cuts this down to what it allows. Many come at once where many were lost. */
const backlog = 4_096;

/** Answers over HTTP from now on, until the resources are given back. Resolves with where. */
export async function listen(
  resources: AsyncDisposableStack,
  lifecycle: Lifecycle,
  parts: Omit<ServiceParts, "readiness">,
): Promise<string> {
  const { host, port, role } = parts.settings;
  const dashboard = role === "ingest" ? undefined : readDashboard(dashboardDirectory);
  const server = createServer({
    ...parts,
    ...(dashboard && { dashboard }),
    readiness: () => lifecycle.readiness,
    version: packageVersion(),
  });
  resources.defer(() => server.close());
  return await server.listen({ host, port, backlog });
}
