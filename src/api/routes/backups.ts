/** Backups of the running service. */

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

export function registerBackupRoutes(server: FastifyInstance, { backups }: ServiceParts): void {
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
