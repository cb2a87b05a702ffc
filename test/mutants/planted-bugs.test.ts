import { describe, it } from "node:test";
import { patchedEnvironment } from "../support/source-patches.ts";
import { plantedBugs } from "./planted-bugs.ts";

describe("the places of planted bugs", () => {
  it("are in the source, each exactly once", () => {
    for (const { patches } of plantedBugs) patchedEnvironment(patches);
  });
});
