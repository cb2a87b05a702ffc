import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { defaultDimensions } from "../src/model/dimensions.ts";
import type { DictionaryView } from "../src/model/dictionary-view.ts";
import { minuteOf } from "../src/model/time.ts";
import { ConfigHistory } from "../src/query/config-history.ts";
import { HotMinutes } from "../src/query/hot-minutes.ts";
import { Workload, countries, devices } from "./workload.ts";

/** A minute's clicks come in so many commits. */
const commitsAMinute = 4;
/** Keys are numbers here; nothing asks for their texts. */
const dictionary: DictionaryView = { text: () => undefined, key: () => undefined, size: () => 0 };

/** Bytes that a cell (a minute, an ad, its dimensions) takes in memory: what grows when minutes are added, a cell. */
export function bytesOfHotCell(minutes: number, clicksAMinute: number): number {
  const configs = new ConfigHistory([
    {
      generation: 1,
      fromMinute: 0,
      dimensions: defaultDimensions,
      adAttributes: [],
      outOfOrdernessMs: 15_000,
      allowedLatenessMs: 60_000,
      idleLagMs: 15_000,
      dedupHorizonMs: 86_400_000,
      dedupRecentMs: 7_200_000,
      late: "restate",
    },
  ]);
  const hot = new HotMinutes({ dictionary, configs, bytesMax: Infinity });
  const workload = new Workload(1, { duplicateShare: 0 });
  const adKeys = new Map<string, number>();
  const firstMinute = minuteOf(Date.now());
  const before = bytesInUse();
  for (let i = 0; i < minutes * commitsAMinute; i++) {
    const minute = firstMinute + Math.floor(i / commitsAMinute);
    hot.apply({ minutes: deltasOf(workload, adKeys, minute, clicksAMinute / commitsAMinute) });
  }
  return (bytesInUse() - before) / hot.rowCount;
}

/** One row a click, as a commit may have it. */
function deltasOf(workload: Workload, keys: Map<string, number>, minute: number, rowCount: number) {
  const clicks = workload.clicks(rowCount, Date.now());
  const keyOf = (ad: string): number => {
    const key = keys.get(ad) ?? keys.size + 1;
    keys.set(ad, key);
    return key;
  };
  return {
    rowCount,
    minutes: new Int32Array(rowCount).fill(minute),
    adKeys: Int32Array.from(clicks, ({ ad_id }) => keyOf(ad_id)),
    dimensionKeys: new Map([
      ["country", Int32Array.from(clicks, ({ country }) => countries.indexOf(country) + 1)],
      ["device", Int32Array.from(clicks, ({ device }) => devices.indexOf(device) + 1)],
    ]),
    counts: new Int32Array(rowCount).fill(1),
    restated: new Uint8Array(rowCount),
  };
}

/** What is reachable: typed arrays are held outside the heap. */
function bytesInUse(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
