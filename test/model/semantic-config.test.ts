import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { configAt } from "../../src/model/semantic-config.ts";
import { testConfig } from "../support/random-clicks.ts";

const configs = [
  { ...testConfig, generation: 1, fromMinute: 50 },
  { ...testConfig, generation: 2, fromMinute: 100 },
  { ...testConfig, generation: 3, fromMinute: 200 },
];

describe("the configuration in force", () => {
  it("is the last one that began at or before the minute", () => {
    const generations = [99, 100, 199, 200, 1_000].map(
      (minute) => configAt(configs, minute).generation,
    );
    assert.deepEqual(generations, [1, 2, 2, 3, 3]);
  });

  it("is the first one for all minutes before", () => {
    assert.equal(configAt(configs, 0).generation, 1);
    assert.equal(configAt(configs, -Infinity).generation, 1);
  });
});
