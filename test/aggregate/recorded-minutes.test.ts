import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RecordedMinutes } from "../../src/aggregate/recorded-minutes.ts";
import { ClickBatchBuilder } from "../../src/model/click-batch-builder.ts";
import type { ClicksRecord } from "../../src/model/log-record.ts";
import { minuteMs } from "../../src/model/time.ts";
import { Random } from "../../src/traffic/random.ts";

function record(minutes: readonly number[], history: boolean): ClicksRecord {
  const batch = new ClickBatchBuilder([]);
  for (const [i, minute] of minutes.entries())
    batch.add({ ad_id: "a", click_timestamp: minute * minuteMs, event_id: `${i}`, dimensions: {} });
  return { kind: "clicks", receivedAtMs: 0, source: "import", history, batch: batch.build() };
}

describe("the minutes that may have clicks", () => {
  it("are all before it is known what the store holds", () => {
    const minutes = new RecordedMinutes();
    assert.ok(minutes.mayHave(1));
    minutes.begin(undefined);
    assert.ok(!minutes.mayHave(1));
  });

  it("are those of imports alone, and of live clicks with what is between", () => {
    const minutes = new RecordedMinutes();
    minutes.begin({ firstMinute: 1_000, lastMinute: 1_010 });
    minutes.note(record([10, 10, 30, 10], true));
    assert.deepEqual(
      [9, 10, 20, 30, 999, 1_000, 1_010, 1_011].filter((minute) => minutes.mayHave(minute)),
      [10, 30, 1_000, 1_010],
    );
    minutes.note(record([1_020, 990], false));
    assert.deepEqual(
      [989, 990, 1_015, 1_020, 1_021].filter((minute) => minutes.mayHave(minute)),
      [990, 1_015, 1_020],
    );
  });

  it("never lack one that was noted, however many there are", () => {
    const random = new Random(7);
    const minutes = new RecordedMinutes();
    minutes.begin(undefined);
    const noted: number[] = [];
    for (let round = 0; round < 150; round++) {
      const some = Array.from({ length: 1_000 }, () => random.between(1, 1e7));
      minutes.note(record(some, true));
      noted.push(...some);
    }
    assert.ok(noted.every((minute) => minutes.mayHave(minute)));
    assert.ok(!minutes.mayHave(2e7));
  });
});
