import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { localTarget, remoteTarget } from "../../src/commands/import-target.ts";
import type { ImportTarget, OutcomeTotals } from "../../src/commands/import-target.ts";
import { loadSettings } from "../../src/config.ts";
import { importFile } from "../../src/ingest/import/import-file.ts";
import { startService } from "../../src/main.ts";
import type { DimensionLayout } from "../../src/model/dimensions.ts";
import { Random } from "../../src/traffic/random.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

interface Row {
  readonly channel: string;
  readonly minuteOfDay: number;
  readonly device: string;
  readonly app: string;
}

const settingsFile = `
dimensions:
  device: { in: minute }
  app: { in: raw }
`;

/** Rows in no order, with no event id, many of them equal in every field. */
const random = new Random(5);
const rows: readonly Row[] = Array.from({ length: 3_000 }, () => ({
  channel: String(100 + random.below(12)),
  minuteOfDay: random.below(300),
  device: String(random.below(3)),
  app: String(random.below(4)),
}));

function csvOf(row: Row): string {
  const time = `2017-11-07 ${Math.floor(row.minuteOfDay / 60)}:${String(row.minuteOfDay % 60).padStart(2, "0")}`;
  return `${row.app},${row.channel},${time},${row.device},\n`;
}

function countOf(matches: (row: Row) => boolean): number {
  return rows.filter(matches).length;
}

async function importInto(
  target: ImportTarget,
  path: string,
  layout: DimensionLayout,
): Promise<OutcomeTotals> {
  const startMs = Date.now();
  const before = await target.outcomesSince("import:clicks.csv", startMs);
  const result = await importFile({
    path,
    format: "csv",
    map: { ad_id: "channel", click_timestamp: "click_time" },
    timeZone: "Asia/Shanghai",
    layout,
    rules: { unknownFields: "ignore", missingEventId: "derive", maxFutureMs: 60_000 },
    append: target.append,
    stateDirectory: target.stateDirectory,
    onProgress: () => {},
    onReject: (row, problem) => assert.fail(`row ${row}: ${problem.message}`),
    batchRowsMax: 1_000,
  });
  assert.equal(result.accepted, rows.length);
  await target.caughtUp();
  const after = await target.outcomesSince("import:clicks.csv", startMs);
  return {
    ...after,
    counted: after.counted - before.counted,
    restated: after.restated - before.restated,
    duplicate: after.duplicate - before.duplicate,
  };
}

describe("an import into a service", () => {
  for (const way of ["that this process opens", "that runs elsewhere"]) {
    it(`${way} counts every row once, and again nothing`, async () => {
      await using directory = await temporaryDirectory();
      const path = join(directory.path, "clicks.csv");
      await writeFile(
        path,
        `app,channel,click_time,device,attributed\n${rows.map(csvOf).join("")}`,
      );
      const configPath = join(directory.path, "clicktally.yaml");
      await writeFile(configPath, settingsFile);
      const flags = { data_dir: join(directory.path, "data"), port: "0" };
      const settings = loadSettings({ flags, env: {}, configPath });
      const isRemote = way === "that runs elsewhere";
      await using service = await startService(settings, { listen: isRemote });
      const target = isRemote
        ? {
            ...remoteTarget({ url: service.url! }),
            stateDirectory: join(directory.path, "imports"),
          }
        : localTarget(service, settings);

      const first = await importInto(target, path, settings.dimensions);
      assert.equal(first.counted + first.restated, rows.length);
      const second = await importInto(target, path, settings.dimensions);
      assert.deepEqual([second.counted, second.restated, second.duplicate], [0, 0, rows.length]);

      // 0:00 to 5:00 in Shanghai.
      const range = { from: "2017-11-06T16:00:00Z", to: "2017-11-06T21:00:00Z" };
      const count = async (ad_id: string, filter?: string, bounds = range): Promise<number> =>
        (
          await service.query.count({
            ad_id,
            ...bounds,
            ...(filter === undefined ? {} : { filter }),
          })
        ).count;
      assert.equal(
        await count("103"),
        countOf((row) => row.channel === "103"),
      );
      assert.equal(
        await count("104", "device==1"),
        countOf((row) => row.channel === "104" && row.device === "1"),
      );
      assert.equal(
        await count("105", "app=in=(0,3);device!=2"),
        countOf(
          (row) => row.channel === "105" && ["0", "3"].includes(row.app) && row.device !== "2",
        ),
      );
      const minute = { from: "2017-11-06T16:07:00Z", to: "2017-11-06T16:08:00Z" };
      const top = await service.query.top({ topN: "50", ...minute });
      const total = top.ads.reduce((sum, ad) => sum + ad.count, 0);
      assert.equal(
        total,
        countOf((row) => row.minuteOfDay === 7),
      );
      const audit = await service.query.audit({});
      assert.deepEqual([audit.differing_rows, audit.ledger_balanced], [0, true]);
    });
  }
});
