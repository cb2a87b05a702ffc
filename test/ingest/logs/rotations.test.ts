import assert from "node:assert/strict";
import { it } from "node:test";
import { Random } from "../../../src/traffic/random.ts";
import type { LineMaker, TurnKind } from "../../crash/turned-log.ts";
import { TurnedLog } from "../../crash/turned-log.ts";
import { eventually } from "../../support/eventually.ts";
import { FollowedLogs } from "./followed-logs.ts";

const seed = Number(process.env["TEST_SEED"] ?? Math.floor(Date.now() / 1000));
const turns = 60;

const objects: LineMaker = {
  click: (ad, random) => JSON.stringify({ ad_id: ad, click_timestamp: random.word() }),
  skipped: () => "",
  bad: () => "no click",
};

it("takes each line of a log once, through random rotations and deaths", async (context) => {
  context.diagnostic(`TEST_SEED=${seed} makes the same choices again`);
  const random = new Random(seed);
  await using logs = await FollowedLogs.make();
  using log = new TurnedLog(logs.path("clicks.ndjson"), random, objects);
  /** In the middle of a turn, whose clicks count and whose position is not noted. */
  const die = async (): Promise<void> => {
    logs.losesAnswers = true;
    log.write(random.between(50, 300));
    const before = logs.takes;
    await eventually("it reads", () => (logs.takes > before ? true : undefined));
    if (random.chance(0.5)) await log.turn(random.pick<TurnKind>(["rename", "copytruncate"]));
    await logs.stop();
    logs.losesAnswers = false;
  };
  logs.start();
  for (let turn = 0; turn < turns; turn++) {
    log.write(random.below(40));
    if (random.chance(0.1)) {
      await die();
      for (let away = random.below(4); away > 0; away--) {
        await log.turn(random.pick<TurnKind>(["rename", "copytruncate", "compress"]));
        log.write(random.below(40));
      }
      logs.start();
    } else await log.turn(random.pick<TurnKind>(["rename", "copytruncate", "compress"]));
  }
  await logs.until(log.clicks);
  const byAd = new Map<string, number>();
  for (const identity of logs.taken.keys()) {
    const [ad] = JSON.parse(identity) as [string];
    byAd.set(ad, (byAd.get(ad) ?? 0) + 1);
  }
  assert.deepEqual([...byAd].toSorted(), [...log.expected].toSorted());
});
