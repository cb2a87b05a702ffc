/** `changes`: what commits changed, as NDJSON on standard output. */

import type { Command } from "commander";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ApiClient, keyOption, serviceUrlOption } from "./client.ts";

interface ChangesFlags {
  readonly url: string;
  readonly key?: string;
  readonly since?: string;
  readonly filter?: string;
  readonly follow?: true;
}

export function registerChanges(program: Command): void {
  program
    .command("changes")
    .summary("what commits changed, as absolute counts")
    .description(
      "Prints the counts of minutes that changed, a line of JSON each, and marks: with `--since` of the last mark " +
        "that was printed it goes on from there.",
    )
    .addOption(serviceUrlOption())
    .addOption(keyOption())
    .option("--since <mark>", "`since` of a mark, or the as_of of an answer (default: all)")
    .option("--filter <rsql>", "over ad_id and minute dimensions, such as country==US")
    .option("--follow", "go on as commits come, until stopped")
    .action((flags: ChangesFlags) => printChanges(flags));
}

async function printChanges({ url, key, since, filter, follow }: ChangesFlags): Promise<void> {
  const parameters = { since, filter, follow: follow ? "true" : "false" };
  const body = await new ApiClient({ url, key }).getLines("/v1/changes", parameters);
  try {
    await pipeline(Readable.fromWeb(body), process.stdout, { end: false });
  } catch (error) {
    throw new Error(`${url} has broken off`, { cause: error });
  }
  if (follow) throw new Error(`${url} has ended the changes: it stops`);
}
