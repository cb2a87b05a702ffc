/** Answers of any length, page by page. */

import type { Command } from "commander";
import type { Parameters } from "./client.ts";
import { ApiClient } from "./client.ts";
import type { OutputFlags } from "./output.ts";

export interface PagingFlags extends OutputFlags {
  readonly url: string;
  readonly key?: string;
  readonly limit?: string;
  readonly cursor?: string;
}

export function addPaging(command: Command): Command {
  return command
    .option("--limit <n>", "only one page of so many rows (default: all pages)")
    .option("--cursor <cursor>", "where that page begins");
}

/** Page by page, so that the answer may be of any length; one page only where its limit was given. */
export async function printPages<Answer extends { readonly next_cursor: string | null }>(
  path: string,
  parameters: Parameters,
  flags: PagingFlags,
  print: (answer: Answer, isLast: boolean) => void,
): Promise<void> {
  const client = new ApiClient(flags);
  const isOnePage = flags.limit !== undefined;
  const pagesMax = isOnePage ? 1 : Infinity;
  let cursor = flags.cursor;
  for (let page = 0; page < pagesMax && (page === 0 || cursor !== undefined); page++) {
    cursor = await printPage({ ...parameters, cursor }, page === 0);
  }
  if (cursor !== undefined) console.error(`more rows: --cursor ${cursor}`);

  /** The cursor of the next page. */
  async function printPage(page: Parameters, withHeader: boolean): Promise<string | undefined> {
    if (flags.csv) {
      const answer = await client.getCsv(path, page);
      printCsv(answer, withHeader);
      return answer.nextCursor;
    }
    const answer = await client.get<Answer>(path, page);
    if (flags.json) printJson([answer]);
    else print(answer, isOnePage || answer.next_cursor === null);
    return answer.next_cursor ?? undefined;
  }
}

export function printJson(answers: readonly unknown[]): void {
  for (const answer of answers) console.log(JSON.stringify(answer));
}

export function printCsv({ csv }: { readonly csv: string }, withHeader: boolean): void {
  process.stdout.write(withHeader ? csv : csv.slice(csv.indexOf("\r\n") + 2));
}
