/** `keys`: makes, lists and revokes the API keys of a service, running or not. */

import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { AdminAction } from "../access/admin-log.ts";
import { adminLogName, appendAdminAction } from "../access/admin-log.ts";
import { isExpired } from "../access/api-key.ts";
import { readKeys } from "../access/keys-file.ts";
import { createKey, revokeKey } from "../access/manage-keys.ts";
import type { Scope } from "../access/scopes.ts";
import { parseScopes, scopes } from "../access/scopes.ts";
import type { Settings } from "../config.ts";
import { loadSettings } from "../config.ts";
import { parseDuration } from "../config/units.ts";
import { addSettingsOptions, settingsInputOf } from "./settings-options.ts";
import { formatTable } from "./table.ts";

type KeysFlags = Readonly<Record<string, unknown>> & {
  readonly scope: readonly Scope[];
  /** Ms. */
  readonly expires?: number;
  readonly json?: true;
};

export function registerKeys(program: Command): void {
  const keys = program
    .command("keys")
    .summary("make, list and revoke API keys")
    .description(
      "Changes the file of the API keys (auth.keys_file, else keys.json in data_dir), which running services read again by " +
        "themselves within a second. With the first key every request needs one.",
    );
  addSettingsOptions(keys.command("create"))
    .summary("make a key")
    .description(
      "Prints a new key, which nobody can tell again: kept is its SHA-256. Its name is the source of the clicks that are sent " +
        "with it. The scope admin may do what the others may, too.",
    )
    .argument("<name>", "letters, digits, dots, - and _")
    .requiredOption("--scope <scopes>", `one or more of ${scopes.join(", ")}`, scopesOf)
    .option(
      "--expires <length>",
      "how long it holds: 90d, 12h (default: until it is revoked)",
      lengthOf,
    )
    .action(async (name: string, flags: KeysFlags) => {
      const { scope, expires } = flags;
      const settings = settingsOf(flags);
      const path = settings.auth.keysFile;
      const nowMs = Date.now();
      const lifetime = expires === undefined ? {} : { lifetimeMs: expires };
      const key = await createKey(path, { name, scopes: scope, nowMs, ...lifetime });
      await note(settings, { action: "keys create", name, scopes: scope });
      // The key alone, so that it can go into a file.
      console.log(key);
      console.error(`${name} is in ${path}; its key is told only this once`);
    });
  addSettingsOptions(keys.command("list"))
    .summary("list the keys")
    .description("Lists names, scopes and times; the keys themselves are not kept.")
    .option("--json", "print JSON")
    .action((flags: KeysFlags) => listKeys(flags));
  addSettingsOptions(keys.command("revoke"))
    .summary("revoke a key")
    .description("Running services refuse it within a second, and end what follows by it.")
    .argument("<name>", "of the key")
    .action(async (name: string, flags: KeysFlags) => {
      const settings = settingsOf(flags);
      const path = settings.auth.keysFile;
      await revokeKey(path, name);
      await note(settings, { action: "keys revoke", name });
      console.error(`${name} is revoked in ${path}`);
    });
}

async function listKeys(flags: KeysFlags): Promise<void> {
  const nowMs = Date.now();
  const keys = (await readKeys(settingsOf(flags).auth.keysFile)) ?? [];
  const rows = keys.map((key) => ({
    name: key.name,
    scopes: key.scopes,
    created_at: new Date(key.createdAtMs).toISOString(),
    expires_at: key.expiresAtMs === undefined ? null : new Date(key.expiresAtMs).toISOString(),
    expired: isExpired(key, nowMs),
  }));
  if (flags.json) {
    console.log(JSON.stringify({ keys: rows }));
    return;
  }
  const cells = rows.map(({ name, scopes: held, created_at, expires_at, expired }) => [
    name,
    held.join(","),
    created_at,
    expired ? `${expires_at} (has expired)` : (expires_at ?? "-"),
  ]);
  console.log(formatTable(["name", "scopes", "created", "expires"], cells));
}

function settingsOf(flags: KeysFlags): Settings {
  return loadSettings(settingsInputOf(flags));
}

/** Beside what the service notes itself, where there is a data directory. */
async function note(
  { dataDir }: Settings,
  action: Omit<AdminAction, "who"> & { readonly action: string },
): Promise<void> {
  if (!existsSync(dataDir)) return;
  const path = join(dataDir, adminLogName);
  await appendAdminAction(path, { who: `shell:${userName()}`, ...action });
}

/** In a container a user may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.());
  }
}

function scopesOf(text: string): readonly Scope[] {
  const known = parseScopes(text.split(",").map((name) => name.trim()));
  if (!known) throw new InvalidArgumentError(`one or more of ${scopes.join(", ")} are expected`);
  return known;
}

function lengthOf(text: string): number {
  const lengthMs = parseDuration(text);
  if (lengthMs === undefined || lengthMs <= 0)
    throw new InvalidArgumentError("a length of time such as 90d is expected");
  return lengthMs;
}
