/** Files that the running service writes on its own machine: backups and exports. */

import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Static } from "typebox";
import { Type } from "typebox";
import { problemResponses } from "../answer-schemas.ts";
import { NoQuery } from "../request-schemas.ts";
import type { ServiceParts } from "../service-parts.ts";

const BackupBody = Type.Object(
  {
    dir: Type.String({
      description:
        "directory of backups on the machine of the service: absolute, outside the data directory; made where missing",
    }),
    keep: Type.Optional(
      Type.Integer({
        description: "leave so many of the newest backups in it, 1 to 10,000; absent: all",
      }),
    ),
  },
  { additionalProperties: false },
);

const BackupAnswerSchema = Type.Object({
  path: Type.String(),
  created_at: Type.String(),
  as_of: Type.Integer(),
  watermark: Type.Union([Type.String(), Type.Null()]),
  bytes: Type.Integer(),
  deleted: Type.Array(Type.String()),
});

const ExportBody = Type.Object(
  {
    dir: Type.String({
      description:
        "directory on the machine of the service: absolute, outside the data directory; made where missing",
    }),
    format: Type.String({ description: "`parquet` or `csv`" }),
    what: Type.Optional(
      Type.String({
        description: "`clicks`, the default: one by one, of every outcome; `minutes`: counts",
      }),
    ),
    from: Type.Optional(
      Type.String({
        description: "start of event time, inclusive; default: the first that is kept",
      }),
    ),
    to: Type.Optional(
      Type.String({ description: "end, exclusive; default: behind the last that is kept" }),
    ),
  },
  { additionalProperties: false },
);

const textOrNull = Type.Union([Type.String(), Type.Null()]);

const ExportAnswerSchema = Type.Object({
  path: textOrNull,
  from: textOrNull,
  to: textOrNull,
  rows: Type.Integer(),
  bytes: Type.Integer(),
  as_of: Type.Union([Type.Integer(), Type.Null()]),
  next_from: textOrNull,
});

export function registerBackupRoutes(
  server: FastifyInstance,
  { backups, exports }: ServiceParts,
): void {
  server.post("/v1/admin/export", {
    schema: {
      tags: ["admin"],
      operationId: "exportDay",
      summary: "Write a day of clicks or minute counts to a file",
      description:
        "The first UTC day of the range, to `clicks-2026-01-31.parquet` in `dir` or the like, of one commit; goes on with " +
        "next_from as from until that is null. A file that exists is not overwritten.",
      querystring: NoQuery,
      body: ExportBody,
      response: { 200: ExportAnswerSchema, ...problemResponses },
    },
    handler: (request: FastifyRequest<{ Body: Static<typeof ExportBody> }>) =>
      exports.exportDay(request.body),
  });

  server.post("/v1/admin/backup", {
    schema: {
      tags: ["admin"],
      operationId: "backup",
      summary: "Write a backup of the data directory",
      description:
        "Beside live traffic. It holds every click that was acknowledged before created_at. Answers when it is whole " +
        "and synced, which takes as long as copying the data directory.",
      querystring: NoQuery,
      body: BackupBody,
      response: { 200: BackupAnswerSchema, ...problemResponses },
    },
    handler: (request: FastifyRequest<{ Body: Static<typeof BackupBody> }>) =>
      backups.backup(request.body),
  });
}
