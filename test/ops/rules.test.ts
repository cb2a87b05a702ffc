import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { documentedMetrics } from "./exposition.ts";
import { check, missingPrograms } from "./programs.ts";
import { metricsIn, opsDirectory, ruleFiles, shippedRules } from "./rules.ts";

const skip = missingPrograms("promtool") ?? false;

/** Values by series, a minute each, in promtool's notation: `0+5x90` rises by 5 for 90 minutes. */
type Series = Readonly<Record<string, string>>;

const of = (name: string, labels = ""): string => `clicktally_${name}{job="clicktally"${labels}}`;
const outcome = (name: string): string => of("clicks_total", `,outcome="${name}"`);
const answered = (group: string, status: string): string =>
  of("requests_total", `,group="${group}",status="${status}"`);

/** A service with which all is well. */
const sound: Series = {
  'up{job="clicktally",instance="a"}': "1x9000",
  [of("freshness_seconds_bucket", ',le="2"')]: "0+6000x9000",
  [of("freshness_seconds_count")]: "0+6000x9000",
  [answered("clicks", "2xx")]: "0+600x9000",
  [answered("queries", "2xx")]: "0+600x9000",
  [outcome("counted")]: "0+6000x9000",
  [outcome("restated")]: "0+10x9000",
  [outcome("duplicate")]: "0+300x9000",
  [of("duplicate_conflicts_total")]: "0+3x9000",
  [of("queue_lag_seconds", ',partition="0"')]: "0x9000",
  [of("queue_lag_seconds", ',partition="1"')]: "0x9000",
  [of("watermark_delay_seconds", ',partition="0"')]: "16x9000",
  [of("ledger_imbalance")]: "0x9000",
  [of("tracker_uncounted_total")]: "0x9000",
  [of("audit_checked_buckets_total")]: "0+10x9000",
  [of("audit_mismatched_buckets_total")]: "0x9000",
  [of("audit_standing_buckets")]: "0x9000",
};

interface Case {
  readonly what: string;
  readonly series: Series;
  readonly at: string;
  /** All that fire then. */
  readonly firing: readonly string[];
}

const cases: readonly Case[] = [
  { what: "all is well", series: {}, at: "80m", firing: [] },
  {
    what: "a fifth of the clicks is slow for ten minutes",
    series: { [of("freshness_seconds_bucket", ',le="2"')]: "0+6000x120 720000+2400x60" },
    at: "2h20m",
    firing: ["ClicktallyFreshnessBudgetBurnsFast", "ClicktallyFreshnessBudgetBurnsSlowly"],
  },
  {
    what: "they are as fresh as ever again",
    series: {
      [of("freshness_seconds_bucket", ',le="2"')]: "0+6000x120 720000+2400x20 774000+6000x200",
    },
    at: "3h6m",
    // The short windows of the tickets are longer.
    firing: ["ClicktallyFreshnessBudgetBurnsSlowly"],
  },
  {
    what: "1 % of the requests fail, which the budget of a month does not bear for days",
    series: { [answered("queries", "5xx")]: "0+12x9000" },
    at: "100m",
    firing: ["ClicktallyAvailabilityBudgetBurnsFast", "ClicktallyAvailabilityBudgetBurnsSlowly"],
  },
  {
    what: "0.4 % of the requests fail: a ticket",
    series: { [answered("clicks", "5xx")]: "0+4.8x9000" },
    at: "100m",
    firing: ["ClicktallyAvailabilityBudgetBurnsSlowly"],
  },
  {
    what: "no click and no query comes",
    series: Object.fromEntries(
      Object.keys(sound)
        .filter((name) => /requests|freshness|clicks_total|conflicts/.test(name))
        .map((name) => [name, "5x9000"]),
    ),
    at: "80m",
    firing: [],
  },
  {
    what: "a process is away",
    series: { 'up{job="clicktally",instance="b"}': "1x60 0x9000" },
    at: "66m",
    firing: ["ClicktallyDown"],
  },
  {
    what: "a minute was found to be wrong",
    series: {
      [of("audit_mismatched_buckets_total")]: "0x60 1x9000",
      [of("audit_standing_buckets")]: "0x60 1x9000",
    },
    at: "62m",
    firing: ["ClicktallyWrongCounts"],
  },
  {
    what: "it is right again",
    series: {
      [of("audit_mismatched_buckets_total")]: "0x60 1x9000",
      [of("audit_standing_buckets")]: "0x60 1x5 0x9000",
    },
    at: "90m",
    firing: ["ClicktallyWrongCountsFound"],
  },
  {
    what: "nothing is recounted while clicks come",
    series: { [of("audit_checked_buckets_total")]: "0+10x20 200x9000" },
    at: "150m",
    firing: ["ClicktallyAuditStands"],
  },
  {
    what: "a click is missing from the ledger",
    series: { [of("ledger_imbalance")]: "0x60 -1x9000" },
    at: "62m",
    firing: ["ClicktallyLedgerUnbalanced"],
  },
  {
    what: "one partition waits for 15 s for a quarter of an hour",
    series: { [of("queue_lag_seconds", ',partition="1"')]: "0x60 15x9000" },
    at: "76m",
    firing: ["ClicktallyLagBudgetBurnsFast", "ClicktallyLagBudgetBurnsSlowly"],
  },
  {
    what: "one partition is not counted any more",
    series: { [of("queue_lag_seconds", ',partition="1"')]: "0x60 60+60x9000" },
    at: "66m",
    firing: [
      "ClicktallyCountingStalled",
      "ClicktallyLagBudgetBurnsFast",
      "ClicktallyLagBudgetBurnsSlowly",
    ],
  },
  {
    what: "nobody tells of the lag",
    series: {
      [of("queue_lag_seconds", ',partition="0"')]: "0x60 stale",
      [of("queue_lag_seconds", ',partition="1"')]: "0x60 stale",
    },
    at: "70m",
    firing: ["ClicktallyLagUnknown"],
  },
  {
    what: "minutes do not become final",
    series: { [of("watermark_delay_seconds", ',partition="0"')]: "16x60 16+60x9000" },
    at: "80m",
    firing: ["ClicktallyWatermarkBehind"],
  },
  {
    what: "a fifth of the clicks is late",
    series: { [outcome("restated")]: "0+1500x9000" },
    at: "80m",
    firing: ["ClicktallyLateBudgetBurnsFast", "ClicktallyLateBudgetBurnsSlowly"],
  },
  {
    what: "4 % of the clicks are late",
    series: { [outcome("expired")]: "0+260x9000" },
    at: "80m",
    firing: ["ClicktallyLateBudgetBurnsSlowly"],
  },
  {
    what: "a sender gives other clicks the same ids",
    series: { [of("duplicate_conflicts_total")]: "0+300x9000" },
    at: "80m",
    firing: ["ClicktallyDuplicateConflicts"],
  },
  {
    what: "tracked links are followed while clicks can't be taken in",
    series: { [of("tracker_uncounted_total")]: "0x75 3x100" },
    at: "80m",
    firing: ["ClicktallyTrackedClicksLost"],
  },
];

/** In the form that promtool takes. JSON is YAML too. */
function ruleTests(): string {
  return JSON.stringify({
    rule_files: ruleFiles,
    evaluation_interval: "2m",
    tests: cases.map(({ what, series, at, firing }) => ({
      name: what,
      interval: "1m",
      input_series: Object.entries({ ...sound, ...series }).map(([name, values]) => ({
        series: name,
        // No further than is looked at.
        values: values.replaceAll("x9000", "x200"),
      })),
      promql_expr_test: [
        {
          expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
          eval_time: at,
          exp_samples: firing.map((alertname) => ({
            labels: `{alertname="${alertname}"}`,
            value: 1,
          })),
        },
      ],
    })),
  });
}

describe("the rules for Prometheus", () => {
  it("fire where they should, and where nothing is wrong none does", { skip }, async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "tests.yml");
    await writeFile(path, ruleTests());
    assert.match(await check("promtool", ["test", "rules", path]), /SUCCESS/);
  });

  it("are valid, with the configuration that loads them", { skip }, async () => {
    await using directory = await temporaryDirectory();
    await cp(join(opsDirectory, "prometheus"), directory.path, { recursive: true });
    // The operator's, who makes it.
    await writeFile(join(directory.path, "clicktally.key"), "ctk_a-key");
    const config = join(directory.path, "prometheus.yml");
    assert.match(await check("promtool", ["check", "config", config]), /18 rules found/);
  });

  it("are each tried, and each alert says how bad it is and where the manual tells what to do", () => {
    const alerts = shippedRules().filter(({ alert }) => alert !== undefined);
    const tried = new Set(cases.flatMap(({ firing }) => firing));
    assert.deepEqual(alerts.map(({ alert }) => alert!).toSorted(), [...tried].toSorted());
    const manual = readFileSync(join(opsDirectory, "../docs/operations.md"), "utf8");
    for (const { alert, labels, annotations } of alerts) {
      assert.match(labels!["severity"]!, /^(page|ticket)$/, alert);
      const [, anchor] =
        /^docs\/operations\.md#([a-z-]+)$/.exec(annotations!["runbook_url"]!) ?? [];
      const headings = [...manual.matchAll(/^#+ (.*)$/gm)].map(([, text]) =>
        text!
          .toLowerCase()
          .replaceAll(/[^a-z0-9 -]/g, "")
          .replaceAll(" ", "-"),
      );
      assert.ok(headings.includes(anchor!), `${alert}: there is no #${anchor} in the manual`);
    }
  });

  it("name no metric that the service does not expose, and no series that they do not record", () => {
    const rules = shippedRules();
    const recorded = new Set(rules.map(({ record }) => record));
    for (const { expr } of rules) {
      for (const name of metricsIn(expr)) assert.ok(name in documentedMetrics, name);
      for (const [name] of expr.matchAll(/\bclicktally:[\w:]+/g))
        assert.ok(recorded.has(name), name);
    }
  });
});
