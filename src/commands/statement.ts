/** `statement`: what is to be billed, by ad and local day. */

import type { Command } from "commander";
import type { StatementAnswer } from "../query/billing.ts";
import { statementColumns } from "../query/billing.ts";
import { keyOption, serviceUrlOption } from "./client.ts";
import { addOutputOptions } from "./output.ts";
import type { PagingFlags } from "./pages.ts";
import { addPaging, printPages } from "./pages.ts";
import { formatRows } from "./table.ts";

interface StatementFlags extends PagingFlags {
  readonly from: string;
  readonly to: string;
  readonly tz: string;
  readonly ad?: string;
  readonly asOf?: string;
}

export function registerStatement(program: Command): void {
  addPaging(
    addOutputOptions(
      program
        .command("statement")
        .summary("what is to be billed, by ad and local day")
        .description(
          "Clicks by ad and day, how final they are, and beside the count of a closed day the net clicks that came to light " +
            "since.",
        )
        .requiredOption("--from <day>", "first day: a date of the zone, or a time in it")
        .requiredOption("--to <day>", "end, exclusive, likewise")
        .option("--tz <zone>", "IANA time zone of the days", "UTC")
        .option("--ad <ad_id>", "of this ad alone")
        .option("--as-of <commit>", "as of this commit, for days that were final then"),
    ),
  )
    .addOption(serviceUrlOption())
    .addOption(keyOption())
    .action(async (flags: StatementFlags) => {
      const { from, to, tz, ad: ad_id, asOf: as_of, limit } = flags;
      const parameters = { from, to, tz, ad_id, as_of, limit };
      await printPages<StatementAnswer>("/v1/statement", parameters, flags, (answer, isLast) => {
        console.log(formatRows(statementColumns, answer.rows));
        if (isLast) {
          const { status, final_through: finalThrough, as_of: asOf } = answer;
          console.log(`\n${status}, final through ${finalThrough ?? "-"}, as of commit ${asOf}`);
        }
      });
    });
}
