/** `query count`, `query top`, `query breakdown`, `query ledger`: the API from the shell. */

import type { Command } from "commander";
import type {
  BreakdownAnswer,
  CountAnswer,
  Finality,
  LedgerAnswer,
  TopAnswer,
} from "../query/query-service.ts";
import { outcomeNames } from "../model/outcome.ts";
import type { Parameters } from "./client.ts";
import { ApiClient, serviceUrlOption } from "./client.ts";
import type { OutputFlags, RangeFlags } from "./output.ts";
import { addOutputOptions, addRangeOptions, rangeParameters } from "./output.ts";
import { formatTable, printable } from "./table.ts";

interface QueryFlags extends OutputFlags, RangeFlags {
  readonly url: string;
  readonly filter?: string;
  readonly asOf?: string;
  readonly granularity?: string;
  readonly tz?: string;
  readonly top?: string;
  readonly by?: string;
  readonly limit?: string;
  readonly cursor?: string;
}

export function registerQuery(program: Command): void {
  const query = program
    .command("query")
    .summary("ask a running service")
    .description("Asks a running service.");
  const subcommand = (name: string, summary: string): Command =>
    addOutputOptions(
      addRangeOptions(query.command(name).summary(summary).description(`${summary}.`)),
    ).addOption(serviceUrlOption());
  addFilter(
    addCalendar(
      subcommand("count", "How many clicks did each of these ads get?").argument("<ad...>"),
    ),
  ).action((ads: string[], flags: QueryFlags) => queryCounts(ads, flags));
  addFilter(
    subcommand("top", "Which ads were clicked most?").option(
      "--top <n>",
      "how many ads, 1 to 1000 (default: 10)",
    ),
  ).action((flags: QueryFlags) => queryTop(flags));
  addFilter(addCalendar(subcommand("breakdown", "Counts by up to three fields")))
    .option("--by <fields>", "comma-separated: dimensions, ad_id, ad. and an attribute")
    .option("--limit <n>", "only one page of so many rows (default: all pages)")
    .option("--cursor <cursor>", "where that page begins")
    .action((flags: QueryFlags) => queryBreakdown(flags));
  subcommand(
    "ledger",
    "What became of the clicks received, by minute of receipt and source",
  ).action((flags: QueryFlags) => queryLedger(flags));
}

function addFilter(command: Command): Command {
  return command
    .option("--filter <rsql>", "such as country==US;device=in=(mobile,tablet)")
    .option("--as-of <commit>", "as of this commit, for minutes that were final then");
}

function addCalendar(command: Command): Command {
  return command
    .option("--granularity <unit>", "minute, hour or day: a row for each")
    .option("--tz <zone>", "IANA time zone of hours and days (default: UTC)");
}

async function queryCounts(ads: readonly string[], flags: QueryFlags): Promise<void> {
  const client = new ApiClient(flags.url);
  const { filter, granularity, tz, asOf: as_of } = flags;
  const parameters = { ...rangeParameters(flags), filter, granularity, tz, as_of };
  const answers: CountAnswer[] = [];
  for (const [index, ad] of ads.entries()) {
    const path = `/v1/ads/${encodeURIComponent(ad)}/aggregated_count`;
    if (flags.csv) printCsv(await client.getCsv(path, parameters), index === 0);
    else answers.push(await client.get<CountAnswer>(path, parameters));
  }
  if (flags.json) printJson(answers);
  else if (!flags.csv) printCounts(answers);
}

function printCounts(answers: readonly CountAnswer[]): void {
  const rows = answers.flatMap(({ ad_id, from, count, status, revision, series }) =>
    (series ?? [{ start: from, count, status, revision }]).map((point) => [
      ad_id,
      point.start,
      point.count,
      point.status,
      point.revision,
    ]),
  );
  console.log(formatTable(["ad_id", "from", "count", "status", "revision"], rows));
  printFinality(answers.at(-1)!);
}

async function queryTop(flags: QueryFlags): Promise<void> {
  const { filter, asOf: as_of, top: topN } = flags;
  const parameters = { ...rangeParameters(flags), filter, as_of, topN };
  const client = new ApiClient(flags.url);
  if (flags.csv) return printCsv(await client.getCsv("/v1/top", parameters), true);
  const answer = await client.get<TopAnswer>("/v1/top", parameters);
  if (flags.json) return printJson([answer]);
  console.log(
    formatTable(
      ["rank", "ad_id", "count"],
      answer.ads.map(({ rank, ad_id, count }) => [rank, ad_id, count]),
    ),
  );
  printFinality(answer);
}

/** Page by page, so that the answer may be of any length. */
async function queryBreakdown(flags: QueryFlags): Promise<void> {
  const { filter, granularity, tz, asOf: as_of, by, limit } = flags;
  const parameters = { ...rangeParameters(flags), filter, granularity, tz, as_of, by, limit };
  const client = new ApiClient(flags.url);
  let cursor = flags.cursor;
  const pagesMax = limit === undefined ? Infinity : 1;
  for (let page = 0; page < pagesMax && (page === 0 || cursor !== undefined); page++) {
    cursor = await printPage(client, { ...parameters, cursor }, flags, page === 0);
  }
  if (cursor !== undefined) console.error(`more rows: --cursor ${cursor}`);
}

/** The cursor of the next page. */
async function printPage(
  client: ApiClient,
  parameters: Parameters,
  flags: QueryFlags,
  isFirst: boolean,
): Promise<string | undefined> {
  if (flags.csv) {
    const page = await client.getCsv("/v1/breakdown", parameters);
    printCsv(page, isFirst);
    return page.nextCursor;
  }
  const answer = await client.get<BreakdownAnswer>("/v1/breakdown", parameters);
  const { by, rows, next_cursor } = answer;
  if (flags.json) printJson([answer]);
  else {
    const columns = [...(flags.granularity === undefined ? [] : ["start"]), ...by, "count"];
    console.log(
      formatTable(
        columns,
        rows.map((row) => columns.map((column) => row[column])),
      ),
    );
    if (next_cursor === null || flags.limit !== undefined) printFinality(answer);
  }
  return next_cursor ?? undefined;
}

async function queryLedger(flags: QueryFlags): Promise<void> {
  const client = new ApiClient(flags.url);
  const parameters = rangeParameters(flags);
  if (flags.csv) return printCsv(await client.getCsv("/v1/ledger", parameters), true);
  const answer = await client.get<LedgerAnswer>("/v1/ledger", parameters);
  if (flags.json) return printJson([answer]);
  const columns = ["minute", "source", "received", ...outcomeNames] as const;
  const rows = answer.rows.map((row) => columns.map((column) => row[column]));
  const total = [
    "total",
    "",
    answer.total.received,
    ...outcomeNames.map((name) => answer.total[name]),
  ];
  console.log(formatTable(columns, [...rows, total]));
  console.log(answer.balanced ? "balanced" : "NOT BALANCED");
}

function printJson(answers: readonly unknown[]): void {
  for (const answer of answers) console.log(JSON.stringify(answer));
}

function printCsv({ csv }: { readonly csv: string }, withHeader: boolean): void {
  process.stdout.write(withHeader ? csv : csv.slice(csv.indexOf("\r\n") + 2));
}

function printFinality(
  answer: Finality & { from: string; to: string; filter: string | null },
): void {
  const { from, to, filter, status, final_through: finalThrough, as_of: asOf } = answer;
  const where = filter === null ? "" : ` where ${printable(filter)}`;
  console.log(
    `\n${from} to ${to}${where}: ${status}, final through ${finalThrough ?? "-"}, as of commit ${asOf}`,
  );
}
