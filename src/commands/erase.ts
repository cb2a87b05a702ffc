/** `erase`: takes users, addresses or other values out of every click so far. */

import type { Command } from "commander";
import type { EraseAnswer } from "../query/erase-plan.ts";
import type { PendingOperation } from "../query/query-service.ts";
import { ApiClient, keyOption, serviceUrlOption } from "./client.ts";
import { printOperation } from "./operation.ts";

interface EraseFlags {
  readonly url: string;
  readonly key?: string;
  readonly reason: string;
  readonly id?: string;
  readonly json?: true;
}

export function registerErase(program: Command): void {
  program
    .command("erase")
    .summary("forget users, addresses or other values")
    .description(
      "Empties a field of every click so far that has one of the values; the clicks stay, and count as before. Backups and " +
        "exports that were made before are not changed. Safe to repeat.",
    )
    .argument("<field>", "a dimension: user_id, ip, …")
    .argument("<value...>", "the values to forget")
    .requiredOption("--reason <text>", "why; kept with the operation, so name nobody in it")
    .option("--id <id>", "of the operation (default: a new one)")
    .option("--json", "print the answer as JSON")
    .addOption(serviceUrlOption())
    .addOption(keyOption())
    .action(async (field: string, values: string[], { url, key, json, reason, id }: EraseFlags) => {
      const body = { field, values, reason, id };
      const client = new ApiClient({ url, key });
      const answer = await client.postJson<EraseAnswer | PendingOperation>("/v1/admin/erase", body);
      printOperation(answer, json);
      if (json || "pending" in answer) return;
      const { queue_forgotten_at: forgottenAt, not_covered: notCovered } = answer;
      console.log(
        forgottenAt === null
          ? "the click queue holds it until its next checkpoint; the same again tells when"
          : `the click queue holds none of it since ${forgottenAt}`,
      );
      console.log(`not covered: ${notCovered.join(", ")}`);
    });
}
