import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { documentedMetrics } from "./exposition.ts";
import { check, missingPrograms } from "./programs.ts";
import { metricsIn, opsDirectory, shippedRules } from "./rules.ts";

const skip = missingPrograms("promtool") ?? false;

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly targets?: readonly {
    readonly expr: string;
    readonly datasource: { readonly uid: string };
  }[];
}

const dashboard = JSON.parse(
  readFileSync(join(opsDirectory, "grafana/dashboards/clicktally.json"), "utf8"),
) as { readonly uid: string; readonly panels: readonly Panel[] };
const panels = dashboard.panels.filter(({ type }) => type !== "row");
const expressions = panels.flatMap(({ targets }) => targets!.map(({ expr }) => expr));

const provisioned = (path: string): unknown =>
  parse(readFileSync(join(opsDirectory, "grafana/provisioning", path), "utf8"));

describe("the dashboard for Grafana", () => {
  it("shows every metric of the service, and names none that it does not expose", () => {
    const shown = new Set(expressions.flatMap(metricsIn));
    const recorded = new Map(shippedRules().map(({ record, expr }) => [record, expr]));
    for (const expression of expressions)
      for (const [name] of expression.matchAll(/\bclicktally:[\w:]+/g))
        assert.ok(recorded.has(name), name);
    assert.deepEqual([...shown].toSorted(), Object.keys(documentedMetrics).toSorted());
  });

  it("asks what Prometheus understands", { skip }, async () => {
    const rules = expressions.map((expression, i) => ({
      record: `panel_${i}`,
      // Grafana puts these in.
      expr: expression.replaceAll("$__rate_interval", "1m").replaceAll("$job", "clicktally"),
    }));
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "panels.yml");
    await writeFile(path, JSON.stringify({ groups: [{ name: "panels", rules }] }));
    assert.match(
      await check("promtool", ["check", "rules", path]),
      new RegExp(`SUCCESS: ${expressions.length} rules found`),
    );
  });

  it("has panels that say what they show, each at a place of its own", () => {
    const taken = new Set<string>();
    const ids = new Set<number>();
    for (const { id, title, description, gridPos } of panels) {
      assert.ok(description, title);
      ids.add(id);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.ok(x < 24 && !taken.has(`${x},${y}`), title);
          taken.add(`${x},${y}`);
        }
    }
    assert.equal(ids.size, panels.length);
  });

  it("asks the source that is provisioned with it", () => {
    const { datasources } = provisioned("datasources/prometheus.yml") as {
      datasources: readonly { readonly uid: string }[];
    };
    const asked = panels.flatMap(({ targets }) => targets!.map(({ datasource }) => datasource.uid));
    assert.deepEqual([...new Set(asked)], [datasources[0]!.uid]);
  });
});
