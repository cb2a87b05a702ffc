/** `query count`, `top`, `breakdown`, `explain`, `ledger`, `restatements`, `quarantine`: the API from the shell. */

import type { Command } from "commander";
import type {
  BreakdownAnswer,
  CountAnswer,
  ExplainAnswer,
  Finality,
  LedgerAnswer,
  QuarantineAnswer,
  RecordedClick,
  RestatementsAnswer,
  TopAnswer,
} from "../query/query-service.ts";
import { outcomeNames } from "../model/outcome.ts";
import { journalColumns } from "../query/query-service.ts";
import { ApiClient, keyOption, serviceUrlOption } from "./client.ts";
import type { OutputFlags, RangeFlags } from "./output.ts";
import { addOutputOptions, addRangeOptions, rangeParameters } from "./output.ts";
import { addPaging, printCsv, printJson, printPages } from "./pages.ts";
import { formatRows, formatTable, printable } from "./table.ts";

/** Clicks in a page where no limit is given: each page costs a look at the whole range. */
const explainedAtOnce = "10000";

interface QueryFlags extends OutputFlags, RangeFlags {
  readonly url: string;
  readonly key?: string;
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
    )
      .addOption(serviceUrlOption())
      .addOption(keyOption());
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
  addPaging(
    addFilter(addCalendar(subcommand("breakdown", "Counts by up to three fields"))).option(
      "--by <fields>",
      "comma-separated: dimensions, ad_id, ad. and an attribute",
    ),
  ).action((flags: QueryFlags) => queryBreakdown(flags));
  addPaging(
    addFilter(
      subcommand("explain", "The clicks behind an ad's count, and what became of each").argument(
        "<ad>",
      ),
    ),
  ).action((ad: string, flags: QueryFlags) => queryExplain(ad, flags));
  subcommand(
    "ledger",
    "What became of the clicks received, by minute of receipt and source",
  ).action((flags: QueryFlags) => queryLedger(flags));
  addPaging(
    subcommand("restatements", "Which buckets changed after they were final, and why").argument(
      "[ad]",
    ),
  ).action((ad: string | undefined, flags: QueryFlags) => queryRestatements(ad, flags));
  addPaging(
    subcommand("quarantine", "Which clicks are kept and not counted").argument("[ad]"),
  ).action((ad: string | undefined, flags: QueryFlags) => queryQuarantine(ad, flags));
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
  const client = new ApiClient(flags);
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
  const client = new ApiClient(flags);
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

function queryBreakdown(flags: QueryFlags): Promise<void> {
  const { filter, granularity, tz, asOf: as_of, by, limit } = flags;
  const parameters = { ...rangeParameters(flags), filter, granularity, tz, as_of, by, limit };
  return printPages<BreakdownAnswer>("/v1/breakdown", parameters, flags, (answer, isLast) => {
    const start = granularity === undefined ? [] : ["start"];
    const columns = [...start, ...answer.by, "count"];
    console.log(formatRows(columns, answer.rows));
    if (isLast) printFinality(answer);
  });
}

function queryExplain(ad: string, flags: QueryFlags): Promise<void> {
  const { filter, asOf: as_of, limit = explainedAtOnce } = flags;
  const path = `/v1/ads/${encodeURIComponent(ad)}/explain`;
  const parameters = { ...rangeParameters(flags), filter, as_of, limit };
  return printPages<ExplainAnswer>(path, parameters, flags, (answer, isLast) => {
    console.log(formatClicks(answer));
    if (!isLast) return;
    const { ad_id, count, outcomes } = answer;
    const numbers = outcomeNames.map((name) => `${name} ${outcomes[name]}`).join(", ");
    console.log(`\n${printable(ad_id)} got ${count}: ${numbers}`);
    printFinality(answer);
  });
}

function formatClicks({ dimensions, clicks }: ExplainAnswer): string {
  const known = ["click_timestamp", "event_id", "outcome", "received_at", "source"] as const;
  const place = (click: RecordedClick): string => `${click.partition}/${click.offset}/${click.row}`;
  return formatTable(
    [...known, "in log at", ...dimensions, "original"],
    clicks.map((click) => [
      ...known.map((name) => click[name]),
      place(click),
      ...dimensions.map((name) => click.dimensions[name]),
      click.original && `${place(click.original)}, received ${click.original.received_at}`,
    ]),
  );
}

async function queryLedger(flags: QueryFlags): Promise<void> {
  const client = new ApiClient(flags);
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

function queryRestatements(ad_id: string | undefined, flags: QueryFlags): Promise<void> {
  const parameters = { ...rangeParameters(flags), ad_id, limit: flags.limit };
  const path = "/v1/restatements";
  return printPages<RestatementsAnswer>(
    path,
    parameters,
    flags,
    ({ rows, as_of: asOf }, isLast) => {
      console.log(formatRows(journalColumns, rows));
      if (isLast) console.log(`\nas of commit ${asOf}`);
    },
  );
}

function queryQuarantine(ad_id: string | undefined, flags: QueryFlags): Promise<void> {
  const { limit = explainedAtOnce } = flags;
  const parameters = { ...rangeParameters(flags), ad_id, limit };
  const columns = [
    "ad_id",
    "click_timestamp",
    "event_id",
    "outcome",
    "received_at",
    "source",
  ] as const;
  return printPages<QuarantineAnswer>("/v1/quarantine", parameters, flags, ({ rows }) => {
    console.log(formatRows(columns, rows));
  });
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
