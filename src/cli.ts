#!/usr/bin/env node
/** The command line. Exit codes: 0 done, 1 a check found something, 2 wrong usage, 3 could not finish. */

import "./runtime/older-node.ts";
import { Command, CommanderError } from "commander";
import { readFileSync } from "node:fs";
// Whole, since a Node that is too old lacks what is used of it, and is to be told so.
import * as nodeModule from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { ExitCode, exitCodeOf, messageOf } from "./commands/exit.ts";

type Register = (program: Command) => void;

/** Loaded when asked for: `query` should not wait for the libraries of `import`. */
const commands: Readonly<Record<string, () => Promise<Register>>> = {
  serve: async () => (await import("./commands/serve.ts")).registerServe,
  demo: async () => (await import("./commands/demo.ts")).registerDemo,
  import: async () => (await import("./commands/import.ts")).registerImport,
  link: async () => (await import("./commands/link.ts")).registerLink,
  send: async () => (await import("./commands/send.ts")).registerSend,
  watch: async () => (await import("./commands/watch.ts")).registerWatch,
  query: async () => (await import("./commands/query.ts")).registerQuery,
  changes: async () => (await import("./commands/changes.ts")).registerChanges,
  audit: async () => (await import("./commands/audit.ts")).registerAudit,
  void: async () => (await import("./commands/void.ts")).registerVoid,
  release: async () => (await import("./commands/release.ts")).registerRelease,
  close: async () => (await import("./commands/close.ts")).registerClose,
  statement: async () => (await import("./commands/statement.ts")).registerStatement,
  backup: async () => (await import("./commands/backup.ts")).registerBackup,
  restore: async () => (await import("./commands/restore.ts")).registerRestore,
  erase: async () => (await import("./commands/erase.ts")).registerErase,
  recompute: async () => (await import("./commands/recompute.ts")).registerRecompute,
  export: async () => (await import("./commands/export.ts")).registerExport,
  status: async () => (await import("./commands/status.ts")).registerStatus,
  prove: async () => (await import("./commands/prove.ts")).registerProve,
  keys: async () => (await import("./commands/keys.ts")).registerKeys,
  migrate: async () => (await import("./commands/migrate.ts")).registerMigrate,
  config: async () => (await import("./commands/config.ts")).registerConfig,
};

/**
 * Compiled modules are kept from one run to the next: a command starts in a quarter of the time, the service in two
 * thirds. In the user's own directory, where nobody else can put code; where it can't be written nothing is kept.
 */
function keepCompiledModules(): void {
  const cacheHome = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  // The variable is for the threads.
  process.env["NODE_COMPILE_CACHE"] ??= join(cacheHome, "clicktally", "compiled");
  nodeModule.enableCompileCache(process.env["NODE_COMPILE_CACHE"]);
}

async function run(args: readonly string[]): Promise<void> {
  const program = new Command("clicktally")
    .description(
      "Counts ad clicks exactly and answers within moments how many an ad got and which ads got most.",
    )
    .version(packageFile.version)
    .showHelpAfterError("(--help tells more)")
    // Inherited by the commands, so it comes before them.
    .exitOverride();
  const named = commands[args[0] ?? ""];
  const loaders = named ? [named] : Object.values(commands);
  for (const load of loaders) (await load())(program);
  await program.parseAsync(args, { from: "user" });
}

/** What this program says of itself. */
interface PackageFile {
  readonly version: string;
  /** `>=22.22.0` of Node. */
  readonly engines: { readonly node: string };
}

function readPackageFile(): PackageFile {
  const content = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return JSON.parse(content) as PackageFile;
}

/** npm only warns of a Node that is too old, and what fails later would say nothing of it. */
function refuseOldNode({ engines }: PackageFile): void {
  const wanted = engines.node.replace(">=", "");
  const [own, least] = [process.versions.node, wanted].map((text) => text.split(".").map(Number));
  if ((own![0]! - least![0]! || own![1]! - least![1]!) >= 0) return;
  console.error(`clicktally: needs Node ${wanted} or later, this is ${process.versions.node}`);
  process.exit(ExitCode.wrongUsage);
}

/** Commander has told what it found wrong by the time it throws. */
function endWith(error: unknown): void {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? ExitCode.done : ExitCode.wrongUsage;
    return;
  }
  console.error(`clicktally: ${messageOf(error)}`);
  process.exitCode = exitCodeOf(error);
}

function endNow(error: unknown): void {
  endWith(error);
  process.exit(process.exitCode);
}

// Who reads has had enough (`| head`).
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(ExitCode.done);
  endNow(error);
});
process.on("uncaughtException", endNow).on("unhandledRejection", endNow);

const packageFile = readPackageFile();
refuseOldNode(packageFile);
keepCompiledModules();
await run(process.argv.slice(2)).catch(endWith);
