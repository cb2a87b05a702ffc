/** A consumer of `/v1/changes`: what a program in another language would do, and no more. */

export type ChangeRow = Readonly<Record<string, string | number | null>>;

export interface Told {
  /** A row, or a mark where it has no `minute`. */
  readonly line: ChangeRow;
  /** Of the events that have one. */
  readonly id: string | undefined;
}

export interface ChangesRequest {
  readonly since?: string;
  readonly filter?: string;
  readonly follow?: boolean;
  /** As events, with `since` as what a browser remembers of them. */
  readonly asEvents?: boolean;
  readonly signal?: AbortSignal;
}

/** Rows and marks as they come; ends with the stream. */
export async function* readChanges(url: string, request: ChangesRequest): AsyncGenerator<Told> {
  const { since, filter, follow, asEvents = false, signal } = request;
  const target = new URL("/v1/changes", url);
  const headers: Record<string, string> = {};
  if (asEvents) headers["accept"] = "text/event-stream";
  if (since !== undefined && asEvents) headers["last-event-id"] = since;
  if (since !== undefined && !asEvents) target.searchParams.set("since", since);
  if (filter !== undefined) target.searchParams.set("filter", filter);
  if (follow === false) target.searchParams.set("follow", "false");
  const response = await fetch(target, { headers, ...(signal && { signal }) });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  const end = asEvents ? "\n\n" : "\n";
  let text = "";
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const parts = text.split(end);
    text = parts.pop()!;
    for (const part of parts) {
      const fields = asEvents ? fieldsOf(part) : { data: part, id: undefined };
      if (fields.data) yield { line: JSON.parse(fields.data) as ChangeRow, id: fields.id };
    }
  }
  if (text !== "") throw new Error(`the stream ends within a line: ${text}`);
}

function fieldsOf(event: string): Readonly<Record<"data" | "id", string | undefined>> {
  const fields = event.split("\n").map((line) => {
    const at = line.indexOf(":");
    return [line.slice(0, at), line.slice(at + 1).trimStart()] as const;
  });
  return { data: undefined, id: undefined, ...Object.fromEntries(fields) };
}

/** Counts by minute, ad, country and device, and how far they are told. */
export class ChangesTable {
  readonly counts = new Map<string, number>();
  since = "0";

  take({ line, id }: Told): void {
    if (line["minute"] === undefined) {
      this.since = String(line["since"]);
      if (id !== undefined && id !== this.since) throw new Error(`${id} marks ${this.since}`);
      return;
    }
    const { minute, ad_id, country, device, count } = line;
    const key = JSON.stringify([minute, ad_id, country, device]);
    if (count === 0) this.counts.delete(key);
    else this.counts.set(key, count as number);
  }

  /** Goes on to the present. */
  async catchUp(url: string): Promise<void> {
    for await (const told of readChanges(url, { since: this.since, follow: false }))
      this.take(told);
  }

  get lines(): string[] {
    return [...this.counts].map(([key, count]) => `${key} ${count}`).toSorted();
  }
}
