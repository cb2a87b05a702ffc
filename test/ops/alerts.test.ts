import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { PrometheusServer } from "./prometheus-server.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { addToMinuteCounts } from "../support/store-sql.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { missingPrograms } from "./programs.ts";

const skip = missingPrograms("prometheus") ?? false;

const env = {
  CLICKTALLY_WATERMARK_IDLE_LAG: "1s",
  CLICKTALLY_WATERMARK_ALLOWED_LATENESS: "0s",
  CLICKTALLY_AUDIT_BUCKETS_A_MINUTE: "6000",
};

describe("a real Prometheus that watches a real service", { skip }, () => {
  it("is quiet where all is well, tells of a stop, of a count that was changed, and when it is right again", async () => {
    await using directory = await temporaryDirectory();
    const dataDir = directory.path;
    const store = join(dataDir, "store.duckdb");
    const port = await freePort();
    const start = (): Promise<ServiceProcess> => ServiceProcess.start({ dataDir, env, port });
    const first = await start();
    await using prometheus = await PrometheusServer.start([first.url]);
    const fires = (name: string): Promise<true> =>
      eventually(`${name} fires`, async () =>
        (await prometheus.firing()).includes(name) ? true : undefined,
      );
    const recounted = (): Promise<true> =>
      eventually("it is scraped, and has recounted", async () =>
        (await prometheus.value("clicktally_audit_checked_buckets_total > 10")) === undefined
          ? undefined
          : true,
      );
    {
      await using service = first;
      const click = { ad_id: "ad-1", click_timestamp: Date.now() - 300_000, event_id: "e" };
      await service.post("/v1/clicks?wait=counted", JSON.stringify(click), "application/json");
      await recounted();
      // The only click is late, which uses up the budget of these.
      const firing = (await prometheus.firing()).filter((name) => !name.includes("Late"));
      assert.deepEqual(firing, []);
    }
    await fires("ClicktallyDown");

    await addToMinuteCounts(store, 1);
    {
      await using _ = await start();
      await fires("ClicktallyWrongCounts");
    }

    await addToMinuteCounts(store, -1);
    await using _ = await start();
    await recounted();
    assert.equal(await prometheus.value("clicktally_audit_standing_buckets"), 0);
    await fires("ClicktallyWrongCountsFound");
    await eventually("they fire no more", async () => {
      const firing = await prometheus.firing();
      return firing.some((name) => /WrongCounts$|Down/.test(name)) ? undefined : true;
    });
  });
});
