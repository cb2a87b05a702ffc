/** `close`: seals the numbers of a period. */

import type { Command } from "commander";
import type { CloseAnswer } from "../query/billing.ts";
import type { PendingOperation } from "../query/query-service.ts";
import { ApiClient, keyOption, serviceUrlOption } from "./client.ts";

interface CloseFlags {
  readonly url: string;
  readonly key?: string;
  readonly through: string;
  readonly tz: string;
  readonly id?: string;
  readonly json?: true;
}

export function registerClose(program: Command): void {
  program
    .command("close")
    .summary("seal the numbers of a period for billing")
    .description(
      "Seals all minutes before a time: every answer about them stays what it is now, and what comes to light later is listed " +
        "beside it by `statement`. Refuses where a minute is not final yet. A period cannot be opened again.",
    )
    .requiredOption(
      "--through <time>",
      "all minutes before: a date of the zone (its beginning), RFC 3339 or epoch milliseconds",
    )
    .option("--tz <zone>", "IANA time zone of the period", "UTC")
    .option("--id <id>", "of the operation (default: a new one)")
    .option("--json", "print the answer as JSON")
    .addOption(serviceUrlOption())
    .addOption(keyOption())
    .action(async ({ url, key, through, tz, id, json }: CloseFlags) => {
      const answer = await new ApiClient({ url, key }).postJson<CloseAnswer | PendingOperation>(
        "/v1/admin/close",
        { through, tz, id },
      );
      if (json) console.log(JSON.stringify(answer));
      else if ("pending" in answer) {
        console.log(`close ${answer.id} is durable and waits for its turn`);
      } else {
        const since = answer.already_closed ? "was closed already" : "is closed";
        console.log(`all before ${answer.through} ${since}, as of commit ${answer.as_of}`);
      }
    });
}
