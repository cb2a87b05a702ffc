/** Who may ask the service: its keys, or everybody where that is no danger. */

import { existsSync } from "node:fs";
import { isIP } from "node:net";
import { KeyRing } from "../access/key-ring.ts";
import { createFirstKey } from "../access/manage-keys.ts";
import type { Settings } from "../config.ts";
import { silentLog } from "../logging/log.ts";
import { CodedError } from "../model/errors.ts";
import type { StartOptions } from "../service.ts";

/** CodedError `invalid_configuration` where it would listen to everybody and ask nobody for a key. */
export async function openKeys(settings: Settings, options: StartOptions): Promise<KeyRing> {
  const { auth, host } = settings;
  const { log = silentLog(), onFirstKey } = options;
  if (auth.firstKey === "print" && onFirstKey && !existsSync(auth.keysFile)) {
    const key = await createFirstKey(auth.keysFile, Date.now());
    if (key !== undefined) onFirstKey(key);
  }
  const keys = KeyRing.open(auth.keysFile, log);
  if (!keys.isOpen || isLoopback(host)) return keys;
  if (auth.open) {
    log.warn(
      { host },
      "there are no API keys, and auth.open is true: whoever reaches it may do everything",
    );
    return keys;
  }
  keys[Symbol.dispose]();
  throw new CodedError(
    "invalid_configuration",
    `host is ${host} and there are no API keys in ${auth.keysFile}: whoever reaches it could send, read and erase. ` +
      "Make one (clicktally keys create NAME --scope admin), or have a first one made and printed (--auth-first-key print), " +
      "or say that something else guards it (--auth-open true)",
    { field: "host" },
  );
}

/** A name other than localhost may lead anywhere. */
function isLoopback(host: string): boolean {
  if (host === "localhost" || host === "::1") return true;
  return isIP(host) === 4 && host.startsWith("127.");
}
