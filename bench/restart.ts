/**
 * A service with a history of clicks, all of whose ids are in the recent tier: its memory, its disk, and the time from
 * a start after kill -9 to the first ready answer.
 *
 *   node bench/restart.ts [--clicks 10000000] [--kills 3]
 */
import { parseArgs } from "node:util";
import type { StatusAnswer } from "../src/query/query-service.ts";
import { median, prepareLoad, residentBytesOf } from "./processes.ts";
import { Clicktally } from "./service.ts";

const { values: flags } = parseArgs({
  options: {
    clicks: { type: "string", default: "10000000" },
    kills: { type: "string", default: "3" },
  },
});
const clicksALoad = 1_000_000;

await using service = await Clicktally.start();
for (let sent = 0; sent < Number(flags.clicks); sent += clicksALoad) {
  const go = await prepareLoad({
    url: service.insertUrl,
    contentType: "application/x-ndjson",
    clicks: clicksALoad,
    batchRows: 10_000,
    connections: 4,
    seed: sent,
  });
  await go();
}
await service.caughtUp();
const { dedup: index, totals } = await service.get<StatusAnswer>("/v1/status");
const dedup = index!;
const residentMb = residentBytesOf(service.pid) / 1e6;
const seconds: number[] = [];
let residentAfterMb = 0;
for (let kill = 0; kill < Number(flags.kills); kill++) {
  await service.stop("SIGKILL");
  seconds.push(await service.restart());
  residentAfterMb = residentBytesOf(service.pid) / 1e6;
  const after = await service.get<StatusAnswer>("/v1/status");
  if (after.totals.received !== totals.received)
    throw new Error(`${after.totals.received} of ${totals.received} clicks are there`);
}
await service.stop("SIGTERM");
console.log("| what | clicktally |\n|---|---|");
console.log(`| clicks, ids in the recent tier | ${totals.received}, ${dedup.ids} |`);
console.log(
  `| resident memory (MB), after a restart | ${residentMb.toFixed(0)}, ${residentAfterMb.toFixed(0)} |`,
);
console.log(
  `| memory of the recent tier (bytes an id) | ${(dedup.bytes / dedup.ids).toFixed(1)} |`,
);
const { store, all } = service.bytesOnDisk();
const bytesAClick = (bytes: number): string => (bytes / totals.received).toFixed(1);
console.log(
  `| disk (bytes a click): raw + minutes, all | ${bytesAClick(store)}, ${bytesAClick(all)} |`,
);
console.log(
  `| restart after kill -9, median of ${flags.kills} (s) | ${median(seconds).toFixed(2)} |`,
);
