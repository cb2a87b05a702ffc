import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Random } from "../../src/traffic/random.ts";
import { checkBody } from "./decoded-clicks.ts";
import { fieldNames, fieldValues, jsonTokens } from "./click-dictionary.ts";
import { fuzz } from "./fuzz.ts";
import { judgeJson, judgeLines } from "./judge/body.ts";
import type { Mutator } from "./mutate.ts";

/** An object that is nearly a click: every value is a text, a number or whatever a mutant makes of one. */
function nearlyClick(random: Random, mutator: Mutator): string {
  const members = fieldNames
    .filter((name) => name === "ad_id" || random.chance(0.8))
    .map((name): string => {
      const value = random.chance(0.6) ? goodValues[name]! : strangeValue(random, mutator);
      return `${JSON.stringify(name)}:${value}`;
    });
  if (random.chance(0.3))
    members.push(`${JSON.stringify(mutator.token())}:${strangeValue(random, mutator)}`);
  return `{${random.shuffle(members).join(",")}}`;
}

const goodValues: Readonly<Record<string, string>> = {
  ad_id: '"ad-1"',
  click_timestamp: '"2026-11-23T09:59:58.123Z"',
  event_id: '"7d444840-9dc0-11d1-b245-5ffdce74fad2"',
  user_id: '"u1"',
  ip: '"2001:db8::1"',
  country: '"us"',
  device: '"mobile"',
};

function strangeValue(random: Random, mutator: Mutator): string {
  const text = Buffer.from(mutator.edit(Buffer.from(random.pick(fieldValues)))).toString();
  return random.pick([
    () => JSON.stringify(text),
    () => JSON.stringify(mutator.token()),
    () => `"${mutator.token()}"`,
    () => mutator.token(),
    () => String(random.between(-1, 1_800_000_000_000)),
    () => JSON.stringify([text, { [text]: 1 }]),
    () => "null",
  ])();
}

describe("hostile bodies of clicks", () => {
  it("as JSON are taken or refused as a naive reading of them has it, item by item", async (t) => {
    const tally = await fuzz({
      decoder: "json",
      mutants: 6000,
      dictionary: jsonTokens,
      check: (body) => checkBody(body, "decodeJson", judgeJson),
      make: (random, mutator) => {
        const items = Array.from({ length: random.between(1, 4) }, () =>
          nearlyClick(random, mutator),
        );
        return Buffer.from(`[${items.join(",")}]`);
      },
      tell: (message) => t.diagnostic(message),
    });
    for (const word of ["accepted", "rejected", "malformed_json"])
      assert.ok(tally.get(word)! > 300, `${word}: ${tally.get(word)}`);
  });

  it("as NDJSON are taken or refused as a naive reading of them has it, line by line", async (t) => {
    const tally = await fuzz({
      decoder: "ndjson",
      mutants: 6000,
      dictionary: [...jsonTokens, "\n", "\r\n"],
      check: (body) => checkBody(body, "decodeLines", judgeLines),
      make: (random, mutator) => {
        const lines = Array.from({ length: random.between(1, 4) }, () =>
          nearlyClick(random, mutator),
        );
        return Buffer.from(lines.join("\n"));
      },
      tell: (message) => t.diagnostic(message),
    });
    for (const word of ["accepted", "rejected"])
      assert.ok(tally.get(word)! > 300, `${word}: ${tally.get(word)}`);
  });
});
