import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { barPlot } from "../../../bench/suite/bar-plot.ts";
import { linePlot, niceCeiling, shortNumber } from "../../../bench/suite/line-plot.ts";
import { plotsOf } from "../../../bench/suite/plots.ts";
import { Samples } from "../../../bench/suite/samples.ts";

const spread = (median: number, min = median, max = median) => ({ median, min, max, rounds: 3 });

describe("plots of benchmarks", () => {
  it("draw bars as long as medians are, and whiskers from the lowest to the highest", () => {
    const svg = barPlot("speed", [
      {
        title: "clicks/s",
        digits: 0,
        bars: [
          { label: "a", spread: spread(50, 40, 100) },
          { label: "b", spread: spread(100) },
        ],
      },
    ]);
    const widths = [...svg.matchAll(/<rect x=[^>]*width="([\d.]+)"/g)].map(([, width]) =>
      Number(width),
    );
    assert.equal(widths.length, 2);
    assert.equal(widths[0]! * 2, widths[1]);
    const [, x1, x2] = /<line x1="([\d.]+)" y1="[\d.]+" x2="([\d.]+)"/.exec(svg)!;
    assert.ok(Number(x1) < Number(x2));
    assert.match(svg, /prefers-color-scheme: dark/);
  });

  it("escape what is written", () => {
    const svg = barPlot('a <b> & "c"', []);
    assert.ok(svg.includes("a &lt;b&gt; &amp; &quot;c&quot;"));
    assert.doesNotMatch(svg, /<b>/);
  });

  it("draw lines from left to right, within their panel", () => {
    const points = [1e3, 1e4, 1e5].map((at, i) => ({ at, spread: spread(i + 1) }));
    const svg = linePlot("growth", "ads", "logarithmic", [
      { title: "memory", series: [{ label: "memory", points }] },
    ]);
    const drawn = /points="([^"]+)"/
      .exec(svg)![1]!
      .split(" ")
      .map((pair) => pair.split(",").map(Number) as [number, number]);
    assert.equal(drawn.length, 3);
    // Powers of ten lie equally far apart, and a higher value is higher up.
    assert.ok(Math.abs(drawn[1]![0] - drawn[0]![0] - (drawn[2]![0] - drawn[1]![0])) < 0.2);
    assert.ok(drawn[0]![1] > drawn[1]![1] && drawn[1]![1] > drawn[2]![1]);
    assert.ok(drawn.every(([x, y]) => x >= 0 && x <= 250 && y >= 0 && y <= 250));
  });

  it("end scales at round numbers and write large ones shortly", () => {
    assert.deepEqual([0, 0.3, 1, 7.2, 240, 260].map(niceCeiling), [1, 0.4, 1, 8, 400, 400]);
    assert.deepEqual([0.25, 950, 1500, 2.5e6, 1e9].map(shortNumber), [
      "0.25",
      "950",
      "1.5k",
      "2.5M",
      "1G",
    ]);
  });

  it("leave out what was not measured", () => {
    const ingest = { figure: "ingest.queryable", server: "clicktally", value: 1 } as const;
    assert.deepEqual([...plotsOf(new Samples([])).keys()], []);
    assert.deepEqual([...plotsOf(new Samples([ingest])).keys()], ["ingest"]);
  });
});
