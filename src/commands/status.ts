/** `status`: progress, lag and sizes of a running service. */

import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import { setTimeout as delay } from "node:timers/promises";
import { outcomeNames } from "../model/outcome.ts";
import type { SelfAuditNumbers, StatusAnswer } from "../query/query-service.ts";
import { ApiClient, serviceUrlOption } from "./client.ts";
import { messageOf } from "./exit.ts";
import { formatTable } from "./table.ts";

interface StatusFlags {
  readonly url: string;
  readonly json?: true;
  /** Seconds. */
  readonly watch?: number;
}

const watchSecondsDefault = 2;
const clearScreen = "\u001b[H\u001b[2J";

export function registerStatus(program: Command): void {
  program
    .command("status")
    .summary("progress, lag and sizes of a running service")
    .description("Tells how far a running service has come, what waits, and what it takes up.")
    .addOption(serviceUrlOption())
    .option("--json", "print the answer as JSON, a line each")
    .addOption(
      new Option("--watch [seconds]", "again and again, every so many seconds, until stopped")
        .preset(String(watchSecondsDefault))
        .argParser(parseSeconds),
    )
    .action((flags: StatusFlags) => showStatus(flags));
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (seconds >= 0.1 && seconds <= 86_400) return seconds;
  throw new InvalidArgumentError("seconds from 0.1 to 86400 are expected");
}

async function showStatus({ url, json, watch }: StatusFlags): Promise<void> {
  const client = new ApiClient(url);
  const show = async (): Promise<void> => {
    const answer = await client.get<StatusAnswer>("/v1/status");
    const isRedrawn = watch !== undefined && !json && process.stdout.isTTY;
    console.log(
      json ? JSON.stringify(answer) : (isRedrawn ? clearScreen : "") + formatStatus(answer),
    );
  };
  await show();
  if (watch === undefined) return;
  for (;;) {
    await delay(watch * 1000);
    // Who watches wants to see it come back, too.
    await show().catch((error: unknown) => console.error(messageOf(error)));
  }
}

function formatStatus(answer: StatusAnswer): string {
  const { audit, dedup, queue_bytes: queueBytes, totals, partitions } = answer;
  const facts = [
    [
      "status",
      `${answer.status}, up ${Math.round(answer.uptime_seconds)} s, as of commit ${answer.as_of}`,
    ],
    ["watermark", answer.watermark ?? "-"],
    ["final through", answer.final_through ?? "-"],
    [
      "received",
      `${totals.received}: ${outcomeNames.map((name) => `${name} ${totals[name]}`).join(", ")}`,
    ],
    [
      "ledger",
      answer.ledger_balanced ? "balanced" : `NOT BALANCED by ${answer.ledger_imbalance} clicks`,
    ],
    ...(audit ? [["audit", formatAudit(audit)]] : []),
    ...(dedup
      ? [["ids", `${dedup.ids} in ${megabytes(dedup.bytes)} of ${megabytes(dedup.max_bytes)}`]]
      : []),
    ["store", megabytes(answer.store_bytes)],
    ...(queueBytes === undefined ? [] : [["queue", megabytes(queueBytes)]]),
    ["memory", megabytes(answer.resident_bytes)],
  ];
  const lags = partitions.map((partition) => [
    partition.partition,
    partition.next_offset,
    partition.lag_records,
    partition.lag_clicks,
    partition.lag_seconds,
    partition.watermark,
    partition.watermark_delay_seconds,
  ]);
  const columns = [
    "partition",
    "next offset",
    "lag records",
    "lag clicks",
    "lag s",
    "watermark",
    "delay s",
  ];
  const lines = facts.map(([name, value]) => `${name!.padEnd(14)}${value}`);
  return `${lines.join("\n")}\n\n${formatTable(columns, lags)}`;
}

function formatAudit({
  checked_buckets,
  mismatched_buckets,
  last_run,
  mismatches,
}: SelfAuditNumbers): string {
  if (last_run === null) return "no minute checked yet";
  const found = mismatched_buckets === 0 ? "none differed" : `${mismatched_buckets} DIFFERED`;
  const standing = mismatches.map(({ minute }) => minute).join(", ");
  return (
    `${checked_buckets} minutes checked by itself, ${found}, last at ${last_run}` +
    (standing === "" ? "" : `; NOT RIGHT: ${standing}`)
  );
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
