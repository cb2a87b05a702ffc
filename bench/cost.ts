/**
 * What clicks cost in memory, disk and time of a start, and how that grows with how many there are, with ads, dimensions and
 * partitions.
 *
 * `--history N`: as many clicks at most (10 million; 100 million would take some 20 minutes and 8 GB of memory).
 */
import type { StatusAnswer } from "../src/query/query-service.ts";
import { costsOf } from "./history.ts";
import type { History } from "./history.ts";
import { bytesOfHotCell } from "./hot-cells.ts";
import { PreparedLoad } from "./prepared-load.ts";
import { Clicktally } from "./service.ts";
import type { Place, RowContext } from "./suite/context.ts";
import { clicktally } from "./suite/figures.ts";
import { numberText } from "./suite/text.ts";

const usual = { ads: 100_000, dimensions: 2, partitions: 1 };
/** Histories up to this one are measured at a tenth and three tenths too, longer ones at this one. */
const usualHistory = 10_000_000;
/** The bound of the defaults has room for some 40 million ids. */
const roomForIds = { CLICKTALLY_DEDUP_MAX_BYTES: "4GB" };

export async function measure(context: RowContext): Promise<void> {
  const { quick, history, note } = context;
  note("cost.cell_bytes", clicktally, bytesOfHotCell(quick ? 2 : 10, quick ? 6_000 : 62_000));
  note("cost.queue_bytes", clicktally, await bytesInQueue(quick ? 100_000 : 500_000));

  const clicks = quick ? 60_000 : 300_000;
  const base = { clicks, kills: 1 };
  await measureAt(context, base, [
    { axis: "ads", at: usual.ads },
    { axis: "dimensions", at: usual.dimensions },
    { axis: "partitions", at: usual.partitions },
  ]);
  for (const ads of quick ? [1_000] : [1_000, 10_000, 1_000_000])
    await measureAt(context, { ...base, workload: { ads } }, [{ axis: "ads", at: ads }]);
  for (const dimensions of quick ? [4] : [1, 4, 6])
    await measureAt(context, { ...base, ...ofDimensions(dimensions) }, [
      { axis: "dimensions", at: dimensions },
    ]);
  for (const partitions of quick ? [4] : [2, 4, 8]) {
    const settings = { CLICKTALLY_QUEUE_PARTITIONS: String(partitions) };
    await measureAt(context, { ...base, settings }, [{ axis: "partitions", at: partitions }]);
  }

  const most = quick ? 200_000 : history;
  const points = most > usualHistory ? [usualHistory, most] : [0.1 * most, 0.3 * most, most];
  for (const at of points)
    await measureAt(
      context,
      {
        clicks: at,
        kills: at === most && !quick ? context.rounds : 1,
        ...(at > usualHistory && { settings: roomForIds }),
      },
      [{ axis: "clicks", at }],
    );
}

async function measureAt(
  { note, attempt }: RowContext,
  history: History,
  places: readonly Place[],
): Promise<void> {
  const what = places.map(({ axis, at }) => `${numberText(at, 0)} ${axis}`).join(", ");
  await attempt(`${numberText(history.clicks, 0)} clicks: ${what}`, async () => {
    for (const [figure, value] of await costsOf(history))
      for (const place of places) note(figure, clicktally, value, place);
  });
}

/** So many minute dimensions: country, device, and further ones with four values each. */
function ofDimensions(count: number): Pick<History, "workload" | "settings"> {
  const further = Math.max(0, count - usual.dimensions);
  const names = ["country", "device", ...Array.from({ length: further }, (_, i) => `d${i + 1}`)];
  const layout = [
    ...names.slice(0, count).map((name) => `${name}: { in: minute }`),
    ...names.slice(count).map((name) => `${name}: { in: raw }`),
    "user_id: { in: raw }",
    "ip: { in: raw, type: ip }",
  ];
  return {
    workload: { furtherDimensions: further },
    settings: { CLICKTALLY_DIMENSIONS: `{ ${layout.join(", ")} }` },
  };
}

/** Bytes a click of the queue's files before a checkpoint of the store, which comes after 30 s or a million clicks. */
async function bytesInQueue(clicks: number): Promise<number> {
  await using service = await Clicktally.start();
  await using load = await PreparedLoad.prepare({
    target: { kind: "http", url: service.insertUrl },
    send: { clicks },
    batchRows: 10_000,
    connections: 4,
    seed: 1,
  });
  const bytes = async (): Promise<number> =>
    (await service.get<StatusAnswer>("/v1/status")).queue_bytes!;
  const before = await bytes();
  const report = await load.run();
  return ((await bytes()) - before) / report.clicks;
}
