import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BatchProtector } from "../../src/ingest/protect-batch.ts";
import { ClickBatchBuilder } from "../../src/model/click-batch-builder.ts";
import type { Dimension, DimensionLayout } from "../../src/model/dimensions.ts";
import type { Filter } from "../../src/model/filter.ts";
import type { LogRecord } from "../../src/model/log-record.ts";
import { formatFilter } from "../../src/model/parse-filter.ts";
import { ValueProtector } from "../../src/model/protected-value.ts";
import type { SemanticConfig } from "../../src/model/semantic-config.ts";
import { formatMinute, minuteMs } from "../../src/model/time.ts";
import type { QueryEngine } from "../../src/query/query-engine.ts";
import { Random } from "../../src/traffic/random.ts";
import { randomFilter, testConfig } from "../support/random-clicks.ts";
import { QueriedLog, testSecret } from "./engine-fixture.ts";

const firstMinute = Date.parse("2026-01-15T10:00:00Z") / minuteMs;
const minuteCount = 30;
const fields = ["country", "device", "user_id", "ip", "ad_id"];
const protector = new ValueProtector(testSecret);

/** What the settings say in turn; each is in force a few minutes after clicks have begun to come under it. */
const layouts: readonly DimensionLayout[] = [
  [
    { name: "country", in: "minute", type: "country" },
    { name: "device", in: "minute", type: "string" },
    { name: "user_id", in: "raw", type: "string" },
    { name: "ip", in: "raw", type: "ip" },
  ],
  [
    { name: "country", in: "minute", type: "country", store: "hashed" },
    { name: "device", in: "minute", type: "string", store: "hashed" },
    { name: "user_id", in: "raw", type: "string", store: "hashed" },
    { name: "ip", in: "raw", type: "ip", store: "truncated" },
  ],
  [
    { name: "country", in: "minute", type: "country" },
    { name: "device", in: "minute", type: "string", store: "hashed" },
    { name: "user_id", in: "minute", type: "string", store: "hashed" },
    { name: "ip", in: "minute", type: "ip", store: "truncated" },
  ],
  [
    { name: "country", in: "minute", type: "country" },
    { name: "device", in: "raw", type: "string" },
    { name: "user_id", in: "minute", type: "string" },
    { name: "ip", in: "minute", type: "ip", store: "hashed" },
  ],
];

interface PlainClick {
  readonly adId: string;
  readonly minute: number;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly layout: DimensionLayout;
}

const values: Readonly<Record<string, readonly string[]>> = {
  country: ["US", "DE", "CN"],
  device: ["mobile", "desktop", "tablet", 'ünknown, "odd"'],
  user_id: ["u1", "u2", "u3"],
  // Of few networks, each also with the address that its network begins with.
  ip: ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.1.0", "2001:db8::", "2001:db8::1", "2001:db8::2"],
};

function randomClick(random: Random, layout: DimensionLayout, minute: number): PlainClick {
  const known = layout.filter(() => random.chance(0.85));
  const dimensions = known.map(({ name }) => [name, random.pick(values[name]!)] as const);
  const adId = `ad-${random.below(3)}`;
  return { adId, minute, dimensions: Object.fromEntries(dimensions), layout };
}

/** As the settings have it that it came under. */
function storedOf({ layout, dimensions }: PlainClick, field: string): string | undefined {
  const value = dimensions[field];
  const { store } = layout.find(({ name }) => name === field) as Dimension;
  return value === undefined || !store ? value : protector.protect(field, value, store);
}

/** A naive reading of a filter over plain values; of truncated ones over the networks of both. */
function matches(filter: Filter, click: PlainClick): boolean {
  if (filter.kind === "and") return filter.operands.every((operand) => matches(operand, click));
  if (filter.kind === "or") return filter.operands.some((operand) => matches(operand, click));
  const { field, operator } = filter;
  const value = field === "ad_id" ? click.adId : click.dimensions[field];
  if (operator === "=null=") return (value === undefined) === (filter.values[0] === "true");
  const isTruncated = click.layout.some((own) => own.name === field && own.store === "truncated");
  const seen = (text: string): string => {
    const address = text.replace(/^2001:DB8:0:0::/, "2001:db8::").replace("::ffff:", "");
    return isTruncated ? protector.protect(field, address, "truncated") : address;
  };
  const isListed =
    value !== undefined &&
    filter.values.some((asked) => (field === "ip" ? seen(asked) === seen(value) : asked === value));
  return operator === "==" || operator === "=in=" ? isListed : !isListed;
}

async function play(random: Random, log: QueriedLog): Promise<PlainClick[]> {
  const clicks: PlainClick[] = [];
  let config: SemanticConfig = testConfig;
  for (let minute = 0; minute < minuteCount; minute++) {
    const receivedAtMs = (firstMinute + minute) * minuteMs;
    const records: LogRecord[] = [];
    if (minute % 8 === 6 && config.generation < layouts.length) {
      config = {
        ...testConfig,
        generation: config.generation + 1,
        fromMinute: firstMinute + minute + random.between(2, 3),
        dimensions: layouts[config.generation]!,
      };
      records.push({ kind: "control", receivedAtMs, control: { type: "config", config } });
    }
    const layout = config.dimensions;
    const builder = new ClickBatchBuilder(layout);
    for (let i = 0; i < 12; i++) {
      // Some of them late, for minutes of earlier settings.
      const behind = random.chance(0.2) ? random.below(minute + 1) : 0;
      const click = randomClick(random, layout, firstMinute + minute - behind);
      const { adId: ad_id, dimensions } = click;
      const click_timestamp = click.minute * minuteMs;
      builder.add({ ad_id, click_timestamp, event_id: random.uuid(), dimensions });
      clicks.push(click);
    }
    const protection = { secret: testSecret, keyedIdsFromMinute: 0 };
    const batch = new BatchProtector(layout, protection).protect(builder.build());
    records.push({ kind: "clicks", receivedAtMs, source: "http", history: false, batch });
    await log.commit(records);
  }
  return clicks;
}

describe("answers over protected dimensions", () => {
  it("are those over plain values, through changes of the settings, in memory and in the store", async () => {
    const random = new Random(20);
    await using log = await QueriedLog.open();
    const hot = await log.engine();
    const clicks = await play(random, log);
    log.nowMs = (firstMinute + minuteCount) * minuteMs;
    const engines = [hot, await log.engine({ hotBytesMax: 0 })];
    let found = 0;
    for (let asked = 0; asked < 45; asked++) {
      const from = random.below(minuteCount);
      const to = random.between(from + 1, minuteCount);
      const range = { from: formatMinute(firstMinute + from), to: formatMinute(firstMinute + to) };
      const filter = randomFilter(random, fields);
      const text = formatFilter(filter);
      const behind = clicks.filter(
        (click) =>
          click.minute >= firstMinute + from &&
          click.minute < firstMinute + to &&
          matches(filter, click),
      );
      found += behind.length;
      for (const engine of engines) {
        const told = await engine.top({ ...range, topN: "3", filter: text });
        const counts = Map.groupBy(behind, ({ adId }) => adId);
        const where = `${text} in ${range.from} to ${range.to}`;
        assert.equal(told.ads.length, counts.size, where);
        for (const { ad_id, count } of told.ads)
          assert.equal(count, counts.get(ad_id)?.length, `${ad_id}: ${where}`);
        if (asked % 4 === 0) await compareExplained(engine, range, text, behind);
      }
      if (asked % 5 === 0)
        await compareShown(engines, range, random.pick(["ip", "user_id"]), behind, text);
    }
    assert.ok(found > 1_000, `${found} clicks matched`);
  });
});

interface Range {
  readonly from: string;
  readonly to: string;
}

async function compareExplained(
  engine: QueryEngine,
  range: Range,
  filter: string,
  behind: readonly PlainClick[],
): Promise<void> {
  const told = await engine.explain({ ...range, ad_id: "ad-1", filter, limit: "1000" });
  const shown = told.clicks.map(({ dimensions }) => dimensions["user_id"] ?? undefined);
  const own = behind.filter(({ adId }) => adId === "ad-1");
  assert.equal(told.count, own.length);
  assert.deepEqual(shown.toSorted(), own.map((click) => storedOf(click, "user_id")).toSorted());
}

/** What is shown is what is stored, and may be asked for as it is shown. */
async function compareShown(
  engines: readonly QueryEngine[],
  range: Range,
  by: string,
  behind: readonly PlainClick[],
  filter: string,
): Promise<void> {
  const stored = Map.groupBy(behind, (click) => storedOf(click, by) ?? null);
  const expected = [...stored].map(([value, list]) => [value, list.length] as const);
  for (const engine of engines) {
    const pages: (readonly [unknown, unknown])[] = [];
    let cursor: string | undefined;
    do {
      const page = await engine.breakdown({
        ...range,
        by,
        filter,
        limit: "2",
        ...(cursor && { cursor }),
      });
      pages.push(...page.rows.map((row) => [row[by] ?? null, row["count"]] as const));
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    const inOrder = (rows: typeof pages) => rows.map((row) => JSON.stringify(row)).toSorted();
    assert.deepEqual(inOrder(pages), inOrder(expected));
    const [value, list] = [...stored].find(([shown]) => /^h1\.|\//.test(shown ?? "")) ?? [];
    if (!value || !list) continue;
    const again = `(${filter});${by}=="${value}"`;
    const { rows } = await engine.breakdown({ ...range, by: "", filter: again });
    assert.deepEqual(
      rows.map((row) => row["count"]),
      [list.length],
      again,
    );
  }
}
