/** A client of the simulated service: sends a body until it is answered, over a network that loses and repeats. */

import { waitCounted } from "../api/wait-counted.ts";
import type { CountedOutcomes } from "../api/wait-counted.ts";
import type { IngestAnswer, RowRange } from "../ingest/ingest-service.ts";
import { ClickBatchBuilder } from "../model/click-batch-builder.ts";
import { encodeClickBatch } from "../model/click-batch-codec.ts";
import type { Click } from "../model/click.ts";
import type { DimensionLayout } from "../model/dimensions.ts";
import { CodedError } from "../model/errors.ts";
import type { SentBatch, SentItem } from "./history.ts";
import type { ServiceUnderTest } from "./service-under-test.ts";
import { DeviceError } from "./world/process.ts";
import type { Machine } from "./world/machine.ts";

/** What a client was told, and holds the service to. */
export interface Ack {
  readonly batch: SentBatch;
  readonly answer: IngestAnswer;
  readonly outcomes?: CountedOutcomes;
}

type Reply =
  | { readonly kind: "done"; readonly ack: Ack }
  | { readonly kind: "refused"; readonly error: CodedError }
  /** Nobody knows what became of it. */
  | { readonly kind: "silence" };

const timeoutMs = 30_000;
const backoffMsMax = 120_000;
const silence: Reply = { kind: "silence" };
const passing: ReadonlySet<string> = new Set([
  "overloaded",
  "queue_full",
  "dedup_full",
  "not_ready",
  "storage_failed",
  "queue_unavailable",
  "store_unavailable",
]);

export class Clients {
  readonly acks: Ack[] = [];
  /** Of bodies that were refused for good, which none of these should be. */
  readonly refusals: string[] = [];
  pending = 0;
  private readonly machine: Machine;
  private readonly layout: DimensionLayout;
  private readonly service: () => ServiceUnderTest | undefined;

  /** `service`: whoever listens now. */
  constructor(
    machine: Machine,
    layout: DimensionLayout,
    service: () => ServiceUnderTest | undefined,
  ) {
    this.machine = machine;
    this.layout = layout;
    this.service = service;
  }

  /** Until it is answered or given up. */
  async send(batch: SentBatch): Promise<void> {
    this.pending++;
    for (let tries = 1; tries <= batch.triesMax; tries++) {
      const reply = await this.exchange(batch);
      if (reply.kind === "done") {
        this.acks.push(reply.ack);
        break;
      }
      if (reply.kind === "refused" && !passing.has(reply.error.code)) {
        this.refusals.push(String(reply.error));
        break;
      }
      const backoffMs = Math.min(500 * 2 ** tries, backoffMsMax);
      await this.machine.time.pause(backoffMs * (0.5 + this.machine.draw("backoff")));
    }
    this.pending--;
  }

  private async exchange(batch: SentBatch): Promise<Reply> {
    const { machine } = this;
    const fault = machine.strike("request");
    if (fault === "lost_message") return this.timeOut();
    if (fault === "late_message")
      await this.machine.time.pause(machine.draw("late request") * 2 * timeoutMs);
    await this.machine.time.pause(machine.draw("way") * 3);
    // A copy that the network makes: nobody listens to its answer.
    if (fault === "doubled_message") void this.deliver(batch);
    const reply = await Promise.race([this.deliver(batch), this.timeOut()]);
    const loss = machine.strike("response");
    if (loss === "lost_message") return this.timeOut();
    if (loss === "late_message")
      await this.machine.time.pause(machine.draw("late response") * timeoutMs);
    return reply;
  }

  private async deliver(batch: SentBatch): Promise<Reply> {
    const service = this.service();
    if (!service) return silence;
    const label = `${batch.source} ${batch.items.length} items`;
    try {
      const answer = await this.accept(service, batch);
      this.machine.note(`accepted ${label}: ${answer.accepted}, rejected ${answer.rejected}`);
      if (!batch.waits || answer.accepted === 0) return { kind: "done", ack: { batch, answer } };
      const outcomes = await waitCounted(service.engine.query, answer.ranges);
      return { kind: "done", ack: { batch, answer, ...(outcomes && { outcomes }) } };
    } catch (error) {
      // Only told that something went wrong: a server's error, of a store that is away.
      if (error instanceof DeviceError) return silence;
      if (!(error instanceof CodedError)) throw error;
      this.machine.note(`refused ${label}: ${error.code}`);
      return { kind: "refused", error };
    }
  }

  private async accept(service: ServiceUnderTest, batch: SentBatch): Promise<IngestAnswer> {
    if (batch.format === "batch") {
      const bytes = encodeClickBatch(batchOf(batch.items, this.layout));
      const positions = await service.ingest.appendBatch(bytes, batch.source);
      return wholeAnswer(
        batch.items.length,
        positions.map((position) => Object.assign({ fromRow: 0, toRow: Infinity }, position)),
      );
    }
    const lines = batch.items.map(({ fields }) => JSON.stringify(fields));
    const isJson = batch.format === "json";
    return await service.ingest.accept({
      bytes: Buffer.from(isJson ? `[${lines.join(",")}]` : lines.join("\n")),
      contentType: isJson ? "application/json" : "application/x-ndjson",
      contentEncoding: "identity",
      source: batch.source,
      history: batch.history,
    });
  }

  private async timeOut(): Promise<Reply> {
    await this.machine.time.pause(timeoutMs);
    return silence;
  }
}

function wholeAnswer(count: number, ranges: readonly RowRange[]): IngestAnswer {
  return { received: count, accepted: count, rejected: 0, derived_ids: 0, errors: [], ranges };
}

/** In binary form a click has an event id; who has none makes one of its place in the plan. */
function batchOf(items: readonly SentItem[], layout: DimensionLayout) {
  const builder = new ClickBatchBuilder(layout);
  for (const { fields } of items) builder.add(clickOf(fields));
  return builder.build();
}

export function clickOf(fields: SentItem["fields"]): Click & { readonly event_id: string } {
  const { ad_id, click_timestamp, event_id, ...dimensions } = fields;
  return {
    ad_id: ad_id as string,
    click_timestamp: click_timestamp as number,
    event_id: (event_id as string | undefined) ?? `no-id ${String(click_timestamp)}`,
    dimensions: dimensions as Readonly<Record<string, string>>,
  };
}
