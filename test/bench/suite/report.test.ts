import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { figures } from "../../../bench/suite/figures.ts";
import type { FigureId, Sample } from "../../../bench/suite/figures.ts";
import { replaceMarked } from "../../../bench/suite/marked-text.ts";
import { sectionsOf, sectionsToWrite } from "../../../bench/suite/report.ts";
import type { Results } from "../../../bench/suite/results.ts";

const root = join(import.meta.dirname, "../../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

function sampleOf(figure: FigureId): Sample {
  const server = "clicktally";
  return figure.startsWith("load.")
    ? { figure, server, value: 1, axis: "rate", at: 50_000 }
    : { figure, server, value: 1 };
}

/** Everything measured, in two rounds. */
const results: Results = {
  formatVersion: 1,
  at: "2026-11-27T00:00:00.000Z",
  mode: "quick",
  rounds: 2,
  machine: { cpu: "a CPU", cores: 2, node: "v24.0.0" },
  samples: [1, 2].flatMap(() => (Object.keys(figures) as FigureId[]).map(sampleOf)),
  failures: {},
};

describe("the report of benchmarks", () => {
  it("has every figure, with its spread", () => {
    const text = [...sectionsOf(results).values()].join("\n");
    for (const { title } of Object.values(figures))
      assert.ok(text.includes(`| ${title} | 1`), title);
    assert.match(text, /\| clicks\/s acknowledged \| 1 \(1 to 1\) \|/);
    assert.match(text, /Quick, so that the figures mean nothing/);
  });

  it("leaves out sections of which nothing was measured, but for the aims", () => {
    assert.deepEqual([...sectionsOf({ ...results, samples: [] }).keys()], ["aims"]);
  });

  it("writes what is of all rows where all were measured", () => {
    const without = results.samples.filter(({ figure }) => !figure.startsWith("query."));
    const names = (samples: readonly Sample[]) => [
      ...sectionsToWrite({ ...results, samples }).keys(),
    ];
    assert.ok(names(results.samples).includes("aims"));
    assert.ok(!names(without).includes("aims"));
    assert.ok(names(without).includes("ingest"));
  });

  it("has a place for every section in bench/README.md, and for the plot in README.md", () => {
    for (const name of sectionsOf(results).keys())
      replaceMarked(read("bench/README.md"), name, "other");
    replaceMarked(read("README.md"), "plot", "other");
  });

  it("replaces what is between its marks, and nothing else", () => {
    const document = "a\n<!-- bench:x -->old<!-- /bench:x -->\nb <!-- bench:y --><!-- /bench:y -->";
    assert.equal(
      replaceMarked(document, "x", "new\n"),
      "a\n<!-- bench:x -->\n\nnew\n\n<!-- /bench:x -->\nb <!-- bench:y --><!-- /bench:y -->",
    );
    assert.throws(() => replaceMarked(document, "z", ""), /there must be one <!-- bench:z -->/);
    assert.throws(() => replaceMarked(document + document, "x", ""), /there must be one/);
  });
});
