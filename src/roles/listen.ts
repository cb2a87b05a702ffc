import { createServer } from "../api/server.ts";
import type { ServiceParts } from "../api/service-parts.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { packageVersion } from "./release.ts";

/** Answers over HTTP from now on, until the resources are given back. Resolves with where. */
export async function listen(
  resources: AsyncDisposableStack,
  lifecycle: Lifecycle,
  parts: Omit<ServiceParts, "readiness">,
): Promise<string> {
  const server = createServer({
    ...parts,
    readiness: () => lifecycle.readiness,
    version: packageVersion(),
  });
  resources.defer(() => server.close());
  const { host, port } = parts.settings;
  return await server.listen({ host, port });
}
