/** `void`: counts the clicks that a file names no more, or again. */

import type { Command } from "commander";
import type { OperationAnswer } from "../query/query-service.ts";
import { randomUUID } from "node:crypto";
import { readIdentities } from "./click-identities.ts";
import { ApiClient, keyOption, serviceUrlOption } from "./client.ts";
import { printOperation } from "./operation.ts";

interface VoidFlags {
  readonly url: string;
  readonly key?: string;
  readonly reason: string;
  readonly undo?: true;
  readonly id?: string;
  readonly json?: true;
}

/** Clicks that one request names. */
const identitiesAtOnceMax = 5_000;

export function registerVoid(program: Command): void {
  program
    .command("void")
    .summary("count the clicks that a file names no more")
    .description(
      "Takes a verdict: NDJSON with ad_id and event_id, or CSV with these columns. The clicks stay in raw as voided, and " +
        "final minutes change in the open. Safe to repeat; --undo takes it back.",
    )
    .argument("<file>", ".ndjson or .csv")
    .requiredOption("--reason <text>", "why; kept with the operation")
    .option("--undo", "count them again")
    .option("--id <id>", "of the operation (default: a new one)")
    .option("--json", "print the answer as JSON")
    .addOption(serviceUrlOption())
    .addOption(keyOption())
    .action((file: string, flags: VoidFlags) => voidClicks(file, flags));
}

async function voidClicks(file: string, flags: VoidFlags): Promise<void> {
  const { reason, undo = false, id = randomUUID() } = flags;
  const client = new ApiClient(flags);
  let answer: OperationAnswer | undefined;
  for await (const identities of readIdentities(file, identitiesAtOnceMax))
    answer = await client.postJson<OperationAnswer>("/v1/admin/void", {
      identities,
      reason,
      undo,
      id,
    });
  if (!answer) throw new RangeError(`${file} names no clicks`);
  printOperation(answer, flags.json);
}
