/** Changes as they are sent: lines of JSON, or events (https://html.spec.whatwg.org/#server-sent-events). */

import type { ChangedRow, ChangesMark } from "../query/changes-page.ts";

export interface ChangesForm {
  readonly contentType: string;
  rows(rows: readonly ChangedRow[]): string;
  mark(mark: ChangesMark): string;
  /** Says nothing that is not known: for proxies that close what is silent. */
  heartbeat(lastMark: ChangesMark): string;
}

export const changesAsLines: ChangesForm = {
  contentType: "application/x-ndjson",
  rows: (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join(""),
  mark: (mark) => `${JSON.stringify(mark)}\n`,
  // The mark again: not every reader of NDJSON passes over empty lines.
  heartbeat: (lastMark) => `${JSON.stringify(lastMark)}\n`,
};

export const changesAsEvents: ChangesForm = {
  contentType: "text/event-stream",
  rows: (rows) => rows.map((row) => `data: ${JSON.stringify(row)}\n\n`).join(""),
  mark: (mark) => `id: ${mark.since}\nevent: mark\ndata: ${JSON.stringify(mark)}\n\n`,
  heartbeat: () => ":\n\n",
};
