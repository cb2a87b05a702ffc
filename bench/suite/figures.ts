/** Every figure of the benchmarks: what it is called and how it is written. The order is that of the printed tables. */

export interface Figure {
  readonly title: string;
  readonly digits: number;
  /** Absent where neither is better by itself. */
  readonly better?: "more" | "less";
}

function figure(title: string, digits: number, better?: Figure["better"]): Figure {
  return better ? { title, digits, better } : { title, digits };
}

/** By id: the row that measures it, and its name there. */
export const figures = {
  "machine.parse": figure("JSON.parse of the workload, one core (lines/s)", 0, "more"),
  "machine.scan": figure("looking at every byte in JavaScript, one core (GB/s)", 2, "more"),
  "machine.copy": figure("memory copy, one core (GB/s)", 2, "more"),
  "machine.write": figure("writes of 1 MB, each fdatasync'd (MB/s)", 0, "more"),
  "machine.sync_p50": figure("write of 4 KB and its fdatasync, p50 (ms)", 2, "less"),
  "machine.sync_p99": figure("write of 4 KB and its fdatasync, p99 (ms)", 2, "less"),

  "ingest.ack": figure("clicks/s acknowledged", 0, "more"),
  "ingest.queryable": figure("clicks/s until all are queryable", 0, "more"),
  "ingest.ack_p50": figure("ack p50 (ms)", 1, "less"),
  "ingest.ack_p99": figure("ack p99 (ms)", 1, "less"),
  "ingest.server_cpu": figure("server CPU a click (us)", 2, "less"),
  "ingest.generator_cpu": figure("generator CPU a click (us)", 2),
  "ingest.resident": figure("resident memory after it (MB)", 0, "less"),
  "ingest.store_bytes": figure("bytes a click, raw + minutes", 1, "less"),
  "ingest.disk_bytes": figure("bytes a click, all on disk", 1, "less"),

  "steady.rate": figure("clicks/s acknowledged", 0),
  "steady.ack_p50": figure("ack p50 (ms)", 1, "less"),
  "steady.ack_p99": figure("ack p99 (ms)", 1, "less"),
  "steady.fresh_p50": figure("freshness p50 (ms)", 0, "less"),
  "steady.fresh_p99": figure("freshness p99 (ms)", 0, "less"),
  "steady.cpu": figure("server CPU (cores)", 2, "less"),

  "query.top_p50": figure("Top-100, p50 (ms)", 1, "less"),
  "query.top_p99": figure("Top-100, p99 (ms)", 1, "less"),
  "query.count_p50": figure("count of one ad, p50 (ms)", 1, "less"),
  "query.count_p99": figure("count of one ad, p99 (ms)", 1, "less"),

  "import.ndjson": figure("NDJSON, all counted (clicks/s)", 0, "more"),
  "import.csv": figure("CSV, all counted (clicks/s)", 0, "more"),
  "import.parquet": figure("Parquet, all counted (clicks/s)", 0, "more"),
  "import.ndjson_whole": figure("NDJSON, with start and stop of the process (clicks/s)", 0, "more"),
  "import.csv_whole": figure("CSV, with start and stop of the process (clicks/s)", 0, "more"),
  "import.parquet_whole": figure(
    "Parquet, with start and stop of the process (clicks/s)",
    0,
    "more",
  ),

  "cost.start": figure("start: answers (s)", 2, "less"),
  "cost.counts": figure("start: counts (s)", 2, "less"),
  "cost.resident": figure("resident memory (MB)", 0, "less"),
  "cost.resident_after": figure("resident memory after a start (MB)", 0, "less"),
  "cost.id_bytes": figure("memory of a recent id (bytes)", 1, "less"),
  "cost.cell_bytes": figure("memory of a hot cell: ad, minute, dimensions (bytes)", 1, "less"),
  "cost.store_bytes": figure("disk a click, raw + minutes (bytes)", 1, "less"),
  "cost.raw_bytes": figure("of it raw", 1, "less"),
  "cost.minute_bytes": figure("of it minutes", 1, "less"),
  "cost.queue_bytes": figure("disk of a click that waits in the queue (bytes)", 1, "less"),

  "load.rate": figure("clicks/s acknowledged", 0),
  "load.ack_p50": figure("ack p50 (ms)", 1, "less"),
  "load.ack_p99": figure("ack p99 (ms)", 1, "less"),
  "load.fresh_p50": figure("freshness p50 (ms)", 0, "less"),
  "load.fresh_p99": figure("freshness p99 (ms)", 0, "less"),
  "load.refused": figure("bodies refused at least once (%)", 1, "less"),

  "beside.queries": figure("queries answered a second", 0, "more"),
  "beside.query_p50": figure("query p50 (ms)", 1, "less"),
  "beside.query_p99": figure("query p99 (ms)", 1, "less"),
  "beside.rate": figure("clicks/s acknowledged", 0),
  "beside.ack_p99": figure("ack p99 (ms)", 1, "less"),
  "beside.fresh_p99": figure("freshness p99 (ms)", 0, "less"),

  "overload.offered": figure("clicks/s offered", 0),
  "overload.rate": figure("clicks/s acknowledged", 0, "more"),
  "overload.refused": figure("bodies refused (%)", 1),
  "overload.refusal_p50": figure("time to a refusal, p50 (ms)", 1, "less"),
  "overload.refusal_p99": figure("time to a refusal, p99 (ms)", 1, "less"),
  "overload.ack_p99": figure("ack p99 of what is taken (ms)", 0, "less"),
  "overload.recovery": figure("from its end until acks are below 250 ms again (s)", 2, "less"),
} as const satisfies Record<string, Figure>;

export type FigureId = keyof typeof figures;

/** A table of figures: the part of an id before the dot. */
export type TableName = FigureId extends infer Id
  ? Id extends `${infer Table}.${string}`
    ? Table
    : never
  : never;

export function figuresOf(table: TableName): FigureId[] {
  return (Object.keys(figures) as FigureId[]).filter((id) => tableOf(id) === table);
}

function tableOf(id: FigureId): TableName {
  return id.slice(0, id.indexOf(".")) as TableName;
}

export function figureOf(id: FigureId): Figure {
  return figures[id];
}

/** What a figure is measured over, where it is measured at several places. */
export type Axis = "clicks" | "ads" | "dimensions" | "partitions" | "rate";

export const clicktally = "clicktally";

/** One value of one round. */
export interface Sample {
  readonly figure: FigureId;
  /** `clicktally`, the name of a peer, or `machine`. */
  readonly server: string;
  readonly value: number;
  readonly axis?: Axis;
  /** Where on the axis. */
  readonly at?: number;
}
