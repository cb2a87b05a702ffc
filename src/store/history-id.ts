import { randomBytes } from "node:crypto";

/** See HistoryStart. */
export function newHistoryId(): string {
  return randomBytes(6).toString("hex");
}
