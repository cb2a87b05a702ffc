/** Files that the running service writes on its own machine: backups and exports. */

import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Static } from "typebox";
import { problemResponses } from "../answer-schemas.ts";
import {
  BackupAnswerSchema,
  BackupBody,
  ExportAnswerSchema,
  ExportBody,
} from "../backup-schemas.ts";
import { NoQuery } from "../request-schemas.ts";
import type { ServiceParts } from "../service-parts.ts";

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
