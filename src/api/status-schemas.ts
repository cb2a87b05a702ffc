import { Type } from "typebox";
import type { StatusAnswer } from "../query/query-service.ts";
import {
  auditDifferences,
  ledgerNumbers,
  nullableNumber,
  nullableText,
  nullableTime,
  nullableWhole,
  oneOf,
  schemaOf,
  time,
  whole,
} from "./answer-schemas.ts";

const watchers = Type.Array(
  Type.Object({
    source: Type.String(),
    files: whole("that are there and known"),
    lag_files: whole("of them those with lines to read"),
    lag_bytes: whole("not read yet; of compressed files as they lie on the disk"),
    lines: whole("since the start of the process"),
    clicks: whole("that were accepted, since the start of the process"),
    skipped_lines: whole("that are no clicks, since the start of the process"),
    bad_lines: whole("in the ledger as invalid, since the start of the process"),
    lost_bytes: whole("not read of files that were cut or removed, and of which no copy is found"),
    waits_for: nullableText("what keeps it from going on"),
  }),
  { description: "log files that this process follows; absent where there are none" },
);

export const StatusAnswerSchema = schemaOf<StatusAnswer>()(
  Type.Object({
    status: oneOf<StatusAnswer["status"]>(["ready", "recovering", "failed"]),
    as_of: whole(),
    watermark: nullableTime("the lowest of all partitions"),
    final_through: nullableTime("minutes before this are final"),
    partitions: Type.Array(
      Type.Object({
        partition: whole(),
        next_offset: whole(),
        lag_records: nullableWhole("not committed yet; null where the queue does not say for now"),
        lag_clicks: nullableWhole("in them; null as lag_records is"),
        lag_seconds: nullableNumber(),
        watermark: nullableText(),
        watermark_delay_seconds: nullableNumber(),
      }),
    ),
    dedup: Type.Optional(Type.Object({ ids: whole(), bytes: whole(), max_bytes: whole() })),
    store_bytes: whole(),
    queue_bytes: Type.Optional(whole()),
    totals: Type.Object(ledgerNumbers),
    ledger_balanced: Type.Boolean({
      description: "what was received is the sum of what became of it",
    }),
    ledger_imbalance: whole("clicks by which it is not"),
    audit: Type.Optional(
      Type.Object(
        {
          checked_buckets: whole("final minutes that were recounted"),
          mismatched_buckets: whole("of them those that differed"),
          last_run: nullableTime("of the last recount"),
          mismatches: Type.Array(
            Type.Object({
              minute: time("start of the bucket"),
              differing_rows: whole(),
              differences: auditDifferences(),
            }),
            { description: "the minutes that differ still" },
          ),
        },
        { description: "what the service has found of its own numbers since its start" },
      ),
    ),
    resident_bytes: whole(),
    uptime_seconds: Type.Number(),
    watchers: Type.Optional(watchers),
  }),
);
