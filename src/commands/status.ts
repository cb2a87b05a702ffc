/** `status`: health, progress, lag and sizes of a running service. */

import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import { setTimeout as delay } from "node:timers/promises";
import { ApiClient, keyOption, serviceUrlOption } from "./client.ts";
import { messageOf } from "./exit.ts";
import { formatStatus } from "./status/format-status.ts";
import { formatStrip, stripLine } from "./status/health-strip.ts";
import { HealthWatch } from "./status/service-health.ts";

interface StatusFlags {
  readonly url: string;
  readonly key?: string;
  readonly json?: true;
  /** Seconds. */
  readonly watch?: number;
}

const watchSecondsDefault = 2;
const clearScreen = "\u001b[2J";
/** What is drawn over what was there does not flicker. */
const toTop = "\u001b[H";
const clearLine = "\u001b[K";
const clearRest = "\u001b[J";

export function registerStatus(program: Command): void {
  program
    .command("status")
    .summary("health, progress, lag and sizes of a running service")
    .description(
      "Tells how well a running service is, how far it has come, what waits, and what it takes up. With --watch it is " +
        "drawn again and again on a terminal, and a line of its health is written each time elsewhere.",
    )
    .addOption(serviceUrlOption())
    .addOption(keyOption())
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

async function showStatus({ url, key, json, watch }: StatusFlags): Promise<void> {
  const health = new HealthWatch(new ApiClient({ url, key }));
  const isTerminal = process.stdout.isTTY === true;
  const show = async (): Promise<void> => {
    const nowMs = Date.now();
    const { status, items } = await health.look(nowMs);
    if (json) console.log(JSON.stringify(status));
    else if (watch !== undefined && !isTerminal) console.log(stripLine(items, nowMs));
    else {
      const text = formatStatus(status, formatStrip(items, isTerminal));
      if (watch === undefined) console.log(text);
      else draw(text);
    }
  };
  if (watch === undefined) return await show();
  if (isTerminal && !json) process.stdout.write(clearScreen);
  await show();
  for (;;) {
    await delay(watch * 1000);
    // Who watches wants to see it come back, too.
    await show().catch((error: unknown) => {
      if (isTerminal && !json) draw(`${new Date().toLocaleTimeString()} ${messageOf(error)}`);
      else console.error(messageOf(error));
    });
  }
}

function draw(text: string): void {
  const lines = text.split("\n").map((line) => line + clearLine);
  process.stdout.write(`${toTop}${lines.join("\n")}\n${clearRest}`);
}
