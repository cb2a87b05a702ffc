/** `release`: counts quarantined and expired clicks after all. */

import type { Command } from "commander";
import type { OperationAnswer } from "../query/query-service.ts";
import { ApiClient, keyOption, serviceUrlOption } from "./client.ts";
import { printOperation } from "./operation.ts";

interface ReleaseFlags {
  readonly url: string;
  readonly key?: string;
  readonly from: string;
  readonly to: string;
  readonly ad?: string;
  readonly reason: string;
  readonly id?: string;
  readonly json?: true;
}

export function registerRelease(program: Command): void {
  program
    .command("release")
    .summary("count quarantined and expired clicks after all")
    .description(
      "Counts the clicks of a range of event time that came too late, each deduplicated again; final minutes change in the " +
        "open. `query quarantine` lists them before.",
    )
    .requiredOption("--from <time>", "start, inclusive: RFC 3339 or epoch milliseconds")
    .requiredOption("--to <time>", "end, exclusive")
    .option("--ad <ad_id>", "of this ad alone")
    .requiredOption("--reason <text>", "why; kept with the operation")
    .option("--id <id>", "of the operation (default: a new one)")
    .option("--json", "print the answer as JSON")
    .addOption(serviceUrlOption())
    .addOption(keyOption())
    .action(async ({ url, key, ad: ad_id, json, from, to, reason, id }: ReleaseFlags) => {
      const body = { from, to, ad_id, reason, id };
      const client = new ApiClient({ url, key });
      printOperation(await client.postJson<OperationAnswer>("/v1/admin/release", body), json);
    });
}
