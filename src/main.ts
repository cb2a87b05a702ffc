/** The composition root: starts the process that the settings' role asks for. */

import type { Settings } from "./config.ts";
import type { Service, StartOptions } from "./service.ts";

/** Resolves when it is ready. Without HTTP it is always the data directory's own service, whatever the role. */
export async function startService(settings: Settings, options: StartOptions): Promise<Service> {
  const { role } = settings;
  if (options.listen && role === "ingest") {
    const { startIngest } = await import("./roles/ingest.ts");
    return await startIngest(settings, options);
  }
  if (options.listen && role === "query") {
    const { startQuery } = await import("./roles/query.ts");
    return await startQuery(settings, options);
  }
  const { startCounting } = await import("./roles/counting.ts");
  return await startCounting(settings, options);
}
