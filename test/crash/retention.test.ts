import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { dayMs, formatDate, hourMs } from "../../src/model/time.ts";
import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { patchedEnvironment } from "../support/source-patches.ts";
import type { SourcePatch } from "../support/source-patches.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { deathAt, frequentMaintenance, point } from "./death-point.ts";

const clock = new URL("../support/shifted-clock.ts", import.meta.url).href;
const storeWriter = "src/store/duckdb/store-writer.ts";

const purgePoints = [
  point("a purge begins", storeWriter, "before", "        await deleteRows("),
  point(
    "a purge has deleted rows, before it drops tables",
    storeWriter,
    "before",
    "        await this.changeSchemaNow(() => tablesToDrop(catalog, plan));",
  ),
  point(
    "a purge has dropped tables, before it deletes the books",
    storeWriter,
    "before",
    "      await deleteBooks(",
  ),
];

/** The oldest is past both limits, the next past that of clicks, the last is kept; also should midnight pass. */
const daysAgo = [5, 2, 0] as const;
const clicksADay = 500;

function launch(
  dataDir: string,
  shiftDays: number,
  patches: readonly SourcePatch[] = [],
): Promise<ServiceProcess> {
  const patched = patchedEnvironment([...frequentMaintenance, ...patches]);
  return ServiceProcess.launch({
    dataDir,
    env: {
      ...patched,
      NODE_OPTIONS: `${patched["NODE_OPTIONS"] ?? ""} --import ${clock}`,
      CLOCK_SHIFT_MS: String(shiftDays * dayMs),
      CLICKTALLY_RETENTION_RAW: "1d",
      CLICKTALLY_RETENTION_MINUTE: "3d",
      CLICKTALLY_DEDUP_HORIZON: "1h",
      CLICKTALLY_COMMIT_MAX_DELAY: "20ms",
    },
  });
}

async function sendDay(service: ServiceProcess, timeMs: number): Promise<void> {
  const lines = Array.from({ length: clicksADay }, (_, i) =>
    JSON.stringify({
      ad_id: "a",
      click_timestamp: timeMs,
      event_id: `${timeMs}-${i}`,
      country: i % 2 === 0 ? "DE" : "US",
      user_id: `u${i % 10}`,
    }),
  );
  const { body } = await service.post<{ counted: number }>(
    "/v1/clicks?wait=counted",
    lines.join("\n"),
  );
  assert.equal(body.counted, clicksADay);
}

interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly first_kept: string;
}

/** Status and body, whatever they are. */
async function ask<T>(service: ServiceProcess, path: string): Promise<{ status: number; body: T }> {
  const answer = await fetch(service.url + path);
  return { status: answer.status, body: (await answer.json()) as T };
}

async function countOf(service: ServiceProcess, range: string, filter = ""): Promise<number> {
  const path = `/v1/ads/a/aggregated_count?${range}${filter && `&filter=${filter}`}`;
  return (await service.get<{ count: number }>(path)).count;
}

describe("a service that drops days, killed on the way", () => {
  it("answers from what is kept, refuses the rest by name, and deletes to the end after a restart", async () => {
    await using directory = await temporaryDirectory();
    const { path } = directory;
    const times = daysAgo.map((days) => Date.now() - days * dayMs);
    for (const [i, days] of daysAgo.entries()) {
      await using service = await launch(path, -days);
      await service.ready();
      await sendDay(service, times[i]!);
    }
    for (const death of purgePoints) {
      // It may die before it is ready.
      const service = await launch(path, 0, [deathAt(death, 1)]);
      const { signal } = await service.endedByItself();
      assert.equal(signal, "SIGKILL", `at "${death.label}": ${service.stderr}`);
    }
    await using service = await launch(path, 0);
    await service.ready();
    const rangeOf = (day: number): string =>
      `from=${times[day]! - hourMs}&to=${times[day]! + hourMs}`;
    const refusal = async (what: string): Promise<Problem> => {
      const { status, body } = await ask<Problem>(service, what);
      assert.deepEqual([status, body.code], [410, "outside_retention"], what);
      return body;
    };
    const firstKept = (day: number): string =>
      `${formatDate(Math.floor(times[day]! / dayMs) + 1)}T00:00:00Z`;

    const oldest = await refusal(`/v1/ads/a/aggregated_count?${rangeOf(0)}`);
    assert.ok(oldest.first_kept <= firstKept(0), oldest.detail);
    await refusal(`/v1/top?from=${times[0]! - hourMs}&to=${times[2]! + hourMs}`);
    await refusal(`/v1/restatements?${rangeOf(0)}`);
    await refusal(`/v1/ledger?${rangeOf(0)}`);
    await refusal(`/v1/ads/a/explain?${rangeOf(1)}`);
    const { detail } = await refusal(
      `/v1/ads/a/aggregated_count?${rangeOf(1)}&filter=user_id==u1;country==DE`,
    );
    assert.match(detail, /^user_id: needs the clicks themselves, which are kept from .* on; /);
    assert.match(detail, /counts by ad_id, country, device/);
    assert.ok(!detail.includes("user_id,") && detail.includes(firstKept(1).slice(0, 10)));

    assert.equal(await countOf(service, rangeOf(1)), clicksADay);
    assert.equal(await countOf(service, rangeOf(1), "country==DE"), clicksADay / 2);
    assert.equal(await countOf(service, rangeOf(2), "user_id==u1"), clicksADay / 10);
    assert.equal(await countOf(service, "window=1h", "user_id==u1"), clicksADay / 10);
    const status = await service.get<{ totals: Record<string, number> }>("/v1/status");
    assert.equal(status.totals["counted"], daysAgo.length * clicksADay);
    const audit = await service.post<{
      differing_rows: number;
      compared_clicks: number;
      days_left_out: string[];
      ledger_balanced: boolean;
    }>("/v1/admin/audit", "{}", "application/json");
    assert.equal(audit.body.differing_rows, 0);
    assert.equal(audit.body.compared_clicks, clicksADay);
    assert.ok(audit.body.days_left_out.includes(formatDate(Math.floor(times[1]! / dayMs))));
    assert.ok(audit.body.ledger_balanced);

    // A whole audit begins with the first minute that is still there: once the purge is over, that of the second day.
    await eventually("what was dropped is deleted", async () => {
      const { body } = await service.post<{ from: string }>(
        "/v1/admin/audit",
        "{}",
        "application/json",
      );
      return Date.parse(body.from) > times[0]! + hourMs ? true : undefined;
    });
  });
});
