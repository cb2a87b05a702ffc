/** `send`: the clicks of files through the API, as if they happened now. */

import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import { setTimeout as delay } from "node:timers/promises";
import type { ClicksAnswer } from "../client/answers.ts";
import { ClickSender } from "./click-sender.ts";
import { keyOption, serviceUrlOption } from "./client.ts";
import { ExitCode } from "./exit.ts";
import { readRecording, withTime } from "./recorded-clicks.ts";

const batchRowsMax = 1_000;
/** What is due within this time goes out together. */
const tickMs = 50;
const batchesInFlightMax = 4;
const toldRejectsMax = 20;

interface SendFlags {
  readonly url: string;
  readonly key?: string;
  readonly rate?: number;
  readonly speed?: number;
  readonly asIfNow?: true;
  readonly wait?: true;
}

export function registerSend(program: Command): void {
  program
    .command("send")
    .summary("send the clicks of files through the API as if live")
    .description(
      "Sends NDJSON files (also .gz and .zst) through POST /v1/clicks: at a fixed rate, or at a multiple of the pace " +
        "they were recorded at. A batch that gets no answer is sent again. Exits 1 where clicks were rejected.",
    )
    .argument("<file...>", "NDJSON files, sent one after the other")
    .addOption(serviceUrlOption())
    .addOption(keyOption())
    .addOption(new Option("--rate <n>", "clicks a second").argParser(positive).conflicts("speed"))
    .addOption(
      new Option("--speed <k>", "times the recorded pace (default: 1)").argParser(positive),
    )
    .option(
      "--as-if-now",
      "shift the times: the first click happens now, the others when they are sent",
    )
    .option("--wait", "wait until each batch is counted, and tell what became of it")
    .action(async (files: string[], flags: SendFlags) => {
      process.exitCode = await sendFiles(files, flags);
    });
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value)))
    throw new InvalidArgumentError("a number above 0 is expected");
  return value;
}

/** The exit code. */
async function sendFiles(files: readonly string[], flags: SendFlags): Promise<number> {
  const totals = new SendTotals();
  const sender = new ClickSender({
    url: flags.url,
    key: flags.key,
    waitCounted: flags.wait === true,
  });
  const start = performance.now();
  for (const file of files) await new Playback(sender, totals, flags).play(file);
  totals.print((performance.now() - start) / 1000);
  return totals.rejected === 0 ? ExitCode.done : ExitCode.found;
}

/** Sends one file's clicks when they are due. */
class Playback {
  private readonly sender: ClickSender;
  private readonly totals: SendTotals;
  private readonly flags: SendFlags;
  private readonly inFlight = new Set<Promise<void>>();
  private failure: { readonly error: unknown } | undefined;
  private lines: string[] = [];
  private sentRows = 0;

  constructor(sender: ClickSender, totals: SendTotals, flags: SendFlags) {
    this.sender = sender;
    this.totals = totals;
    this.flags = flags;
  }

  async play(file: string): Promise<void> {
    const start = performance.now();
    const startedAtMs = Date.now();
    let firstMs: number | undefined;
    for await (const click of readRecording(file)) {
      firstMs ??= click.timeMs;
      const dueAfterMs = this.dueAfterMs(click.timeMs, firstMs);
      const aheadMs = start + dueAfterMs - performance.now();
      if (aheadMs > tickMs) {
        await this.flush();
        await delay(aheadMs);
      }
      const isShifted = this.flags.asIfNow === true;
      this.lines.push(
        isShifted ? withTime(click, startedAtMs + Math.floor(dueAfterMs)) : click.line,
      );
      this.sentRows++;
      if (this.lines.length === batchRowsMax) await this.flush();
    }
    await this.flush();
    await Promise.all(this.inFlight);
    if (this.failure) throw this.failure.error;
  }

  /** When the next click is due, after the start. */
  private dueAfterMs(timeMs: number | undefined, firstMs: number | undefined): number {
    const { rate, speed = 1 } = this.flags;
    if (rate !== undefined) return (this.sentRows * 1000) / rate;
    return timeMs === undefined || firstMs === undefined ? 0 : (timeMs - firstMs) / speed;
  }

  private async flush(): Promise<void> {
    if (this.lines.length === 0) return;
    const lines = this.lines;
    this.lines = [];
    const body = `${lines.join("\n")}\n`;
    const sending = this.sender
      .send(body, (reason) => this.totals.addRetry(reason))
      .then(
        (answer) => this.totals.add(answer),
        (error: unknown) => {
          this.failure ??= { error };
        },
      );
    this.inFlight.add(sending);
    void sending.then(() => this.inFlight.delete(sending));
    if (this.inFlight.size >= batchesInFlightMax) await Promise.race(this.inFlight);
    if (this.failure) throw this.failure.error;
  }
}

class SendTotals {
  rejected = 0;
  private received = 0;
  private accepted = 0;
  private retries = 0;
  private undecided = 0;
  private toldRejects = 0;
  private readonly outcomes = {
    counted: 0,
    duplicates: 0,
    restated: 0,
    quarantined: 0,
    expired: 0,
  };

  add(answer: ClicksAnswer): void {
    this.received += answer.received;
    this.accepted += answer.accepted;
    this.rejected += answer.rejected;
    for (const { field, code, message } of answer.errors) {
      if (this.toldRejects++ < toldRejectsMax)
        console.error(`rejected: ${code}${field ? ` (${field})` : ""}: ${message}`);
    }
    if (answer.counted === undefined) this.undecided += answer.accepted;
    for (const name of Object.keys(this.outcomes) as (keyof typeof this.outcomes)[]) {
      this.outcomes[name] += answer[name] ?? 0;
    }
  }

  addRetry(reason: string): void {
    this.retries++;
    if (this.retries <= toldRejectsMax) console.error(`sending again: ${reason}`);
  }

  print(seconds: number): void {
    const rate = Math.round(this.received / Math.max(seconds, 0.001));
    console.log(
      `sent ${this.received} accepted ${this.accepted} rejected ${this.rejected} resent batches ${this.retries}` +
        ` in ${seconds.toFixed(1)} s, ${rate} clicks/s`,
    );
    const { counted, duplicates, restated, quarantined, expired } = this.outcomes;
    if (this.undecided === this.accepted) return;
    const undecided = this.undecided === 0 ? "" : ` undecided ${this.undecided}`;
    console.log(
      `counted ${counted} duplicates ${duplicates} restated ${restated} quarantined ${quarantined}` +
        ` expired ${expired}${undecided}`,
    );
  }
}
