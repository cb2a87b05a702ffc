import type { Settings } from "../config.ts";
import { CodedError } from "../model/errors.ts";
import type { Service } from "../service.ts";

/** Opens the data directory itself, which no service may have open: `data_dir_locked` tells how to ask that one instead. */
export async function withOwnService<T>(
  settings: Settings,
  use: (service: Service) => Promise<T>,
): Promise<T> {
  const { startService } = await import("../main.ts");
  try {
    await using service = await startService(settings, { listen: false });
    return await use(service);
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== "data_dir_locked") throw error;
    const hint = `a service has ${settings.dataDir} open; ask it with --url http://${settings.host}:${settings.port}`;
    throw new CodedError("data_dir_locked", hint, { cause: error });
  }
}
