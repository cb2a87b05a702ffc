/** Server-sent events out of text as it comes, in pieces of any length (https://html.spec.whatwg.org/#server-sent-events). */

export interface SentEvent {
  readonly type: string;
  readonly data: string;
}

/** Beyond it the sender is none of events. */
const restLengthMax = 4 << 20;

export class EventText {
  private rest = "";

  /** The events that this piece completes. */
  take(piece: string): SentEvent[] {
    const parts = (this.rest + piece).split("\n\n");
    this.rest = parts.pop()!;
    if (this.rest.length > restLengthMax) throw new Error("an event without an end");
    return parts.map(eventOf).filter((event) => event !== undefined);
  }
}

function eventOf(part: string): SentEvent | undefined {
  let type = "message";
  const data: string[] = [];
  for (const line of part.split("\n")) {
    if (line.startsWith("event:")) type = line.slice(6).trim();
    if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
  }
  return data.length === 0 ? undefined : { type, data: data.join("\n") };
}
