import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Ingest } from "../../src/ingest/accept.ts";
import type { IngestAnswer } from "../../src/ingest/ingest-service.ts";
import { CodedError } from "../../src/model/errors.ts";
import { receivedAtMs } from "./decoding.ts";
import { startIngest } from "./ingest-harness.ts";

function send(ingest: Ingest, count: number, name: string): Promise<IngestAnswer> {
  const lines = Array.from({ length: count }, (_, i) =>
    JSON.stringify({ ad_id: "a", click_timestamp: receivedAtMs, event_id: `${name}-${i}` }),
  );
  return ingest.accept({
    bytes: new TextEncoder().encode(lines.join("\n")),
    contentType: "application/x-ndjson",
    contentEncoding: "identity",
    source: "tests",
    history: false,
  });
}

const codeOf = (settled: PromiseSettledResult<IngestAnswer>): string =>
  settled.status === "fulfilled" ? `took ${settled.value.accepted}` : settled.reason.code;

describe("a group that the queue refuses", () => {
  it("costs only the body to blame where a record is too large", async () => {
    await using harness = await startIngest();
    const { ingest, appends } = harness;
    harness.onAppend = () => {
      if (appends.at(-1)!.some(({ clickCount }) => clickCount >= 100))
        throw new CodedError("record_too_large", "the log takes no such record");
    };
    const beforeDay = { raw_before_day: 1, minute_before_day: 1 };
    const sent = [send(ingest, 2, "a"), send(ingest, 100, "b"), send(ingest, 3, "c")];
    const control = ingest
      .appendControl({ type: "retention", ...beforeDay })
      .catch(() => "refused");
    const settled = await Promise.allSettled(sent);
    assert.deepEqual(settled.map(codeOf), ["took 2", "record_too_large", "took 3"]);
    assert.notEqual(await control, "refused");
    assert.equal((await send(ingest, 1, "d")).accepted, 1);
    const counts = (await harness.log()).flatMap((record) =>
      record.kind === "clicks" ? [record.batch.rowCount] : [],
    );
    assert.deepEqual(counts, [2, 3, 1]);
    assert.deepEqual([ingest.totals.bodies, ingest.totals.accepted], [3, 6]);
  });

  it("is the last one at a stop where the queue is away", async () => {
    await using harness = await startIngest();
    const { ingest, appends } = harness;
    const asked = Promise.withResolvers<void>();
    const away = Promise.withResolvers<void>();
    harness.onAppend = async () => {
      asked.resolve();
      await away.promise;
      throw new CodedError("queue_unavailable", "no broker answers");
    };
    // Each is a group's worth of clicks.
    const sent = Array.from({ length: 4 }, (_, i) => send(ingest, 33_000, `${i}`));
    const settling = Promise.allSettled(sent);
    await asked.promise;
    const stopped = ingest[Symbol.asyncDispose]();
    away.resolve();
    await stopped;
    assert.deepEqual((await settling).map(codeOf), Array(4).fill("queue_unavailable"));
    assert.equal(appends.length, 1);
  });
});
