/** The shapes of what the service writes to files: backups and exports. */

import { Type } from "typebox";
import type { BackupAnswer, ExportDayAnswer } from "../backup/backup-service.ts";
import { nullableText, nullableWhole, schemaOf, time, whole } from "./answer-schemas.ts";
import { strict, text } from "./request-schemas.ts";

export const BackupBody = strict({
  dir: Type.String({
    description:
      "directory of backups on the machine of the service: absolute, outside the data directory; made where missing",
  }),
  keep: Type.Optional(
    Type.Integer({
      description: "leave so many of the newest backups in it, 1 to 10,000; absent: all",
    }),
  ),
});

export const BackupAnswerSchema = schemaOf<BackupAnswer>()(
  Type.Object({
    path: Type.String({ description: "where the backup lies" }),
    created_at: time("every click that was acknowledged before is in it"),
    as_of: whole("the last commit of its store; what came later is in its queue"),
    watermark: nullableText("of that commit; null where no click had come; RFC 3339"),
    bytes: whole("of all its files"),
    deleted: Type.Array(Type.String(), { description: "names of the backups that were deleted" }),
  }),
);

export const ExportBody = strict({
  dir: Type.String({
    description:
      "directory on the machine of the service: absolute, outside the data directory; made where missing",
  }),
  format: Type.String({ description: "`parquet` or `csv`" }),
  what: text("`clicks`, the default: one by one, of every outcome; `minutes`: counts"),
  from: text("start of event time, inclusive; default: the first that is kept"),
  to: text("end, exclusive; default: behind the last that is kept"),
});

export const ExportAnswerSchema = schemaOf<ExportDayAnswer>()(
  Type.Object({
    path: nullableText("null where there were no rows, and so no file"),
    from: nullableText("what was looked at; null where nothing is kept; RFC 3339"),
    to: nullableText("its end, exclusive"),
    rows: whole("in the file"),
    bytes: whole("of the file"),
    as_of: nullableWhole("the last commit that the file knows of; null where nothing is kept"),
    next_from: nullableText("`from` of the next day; null at the end"),
  }),
);
