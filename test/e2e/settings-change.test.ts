import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { minuteMs } from "../../src/model/time.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const clock = new URL("../support/shifted-clock.ts", import.meta.url).href;
const dimensions = ["country: { in: minute }", "device: { in: minute }"];
const before = `dimensions: { ${dimensions.join(", ")} }\nlate: restate\n`;
const after = `dimensions: { ${[...dimensions, "os: { in: minute }"].join(", ")} }\nlate: quarantine\n`;

interface Counted {
  readonly counted: number;
  readonly restated: number;
  readonly quarantined: number;
}

let events = 0;
async function send(service: ServiceProcess, time: number, count: number): Promise<Counted> {
  const lines = Array.from({ length: count }, () =>
    JSON.stringify({
      ad_id: `ad-${events % 5}`,
      click_timestamp: time,
      event_id: `event-${++events}`,
      country: "DE",
      os: "ios",
    }),
  );
  const { status, body } = await service.post<Counted>("/v1/clicks?wait=counted", lines.join("\n"));
  assert.equal(status, 200);
  return body;
}

describe("settings that change over a restart", () => {
  it("hold from a minute on that no click had reached: a new dimension and another policy for late clicks", async () => {
    await using directory = await temporaryDirectory();
    const start = async (settings: string, shiftMs: number): Promise<ServiceProcess> => {
      await writeFile(join(directory.path, "clicktally.yaml"), settings);
      return ServiceProcess.start({
        dataDir: directory.path,
        env: {
          NODE_OPTIONS: `--import ${clock}`,
          CLOCK_SHIFT_MS: String(shiftMs),
          CLICKTALLY_QUEUE_PARTITIONS: "2",
        },
      });
    };
    const startMs = Date.now();
    {
      await using service = await start(before, 0);
      assert.equal((await send(service, startMs, 20)).counted, 20);
    }
    {
      // Not in force yet: the minutes at hand keep the layout they began with.
      await using service = await start(after, 0);
      assert.equal((await send(service, Date.now(), 20)).counted, 20);
    }
    const laterMs = Date.now() + 10 * minuteMs;
    await using service = await start(after, 10 * minuteMs);
    assert.equal((await send(service, laterMs, 20)).counted, 20);
    const { restated } = await send(service, startMs, 10);
    assert.equal(restated, 10, "late for a minute of the old settings");
    const { quarantined } = await send(service, laterMs - 4 * minuteMs, 10);
    assert.equal(quarantined, 10, "late for a minute of the new settings");

    const range = `from=${startMs - minuteMs}&to=${laterMs + 2 * minuteMs}`;
    const { rows } = await service.get<{ rows: { os: string | null; count: number }[] }>(
      `/v1/breakdown?by=os&${range}`,
    );
    // Raw has the dimension since it was declared, the minutes from theirs on.
    assert.deepEqual(
      rows.map(({ os, count }) => [os, count]),
      [
        [null, 20],
        ["ios", 50],
      ],
    );
    const ledger = await service.get<{ balanced: boolean; total: Record<string, number> }>(
      `/v1/ledger?${range}`,
    );
    assert.equal(ledger.balanced, true);
    const { received, counted, restated: restatedTotal, quarantined: held } = ledger.total;
    assert.deepEqual([received, counted, restatedTotal, held], [80, 60, 10, 10]);
    const audit = await service.post<{ differing_rows: number }>(
      "/v1/admin/audit",
      "{}",
      "application/json",
    );
    assert.equal(audit.body.differing_rows, 0);
  });
});
