import { Readable } from "node:stream";
import { CodedError } from "../model/errors.ts";
import type { LiveFeed, LiveRequest } from "./live-feed.ts";

/** Each holds an event or two in memory, some KB. */
const defaultStreamsMax = 100;

/** Events as text. A slow consumer is told the newest one when there is room again; those before it are left out. */
class LiveStream extends Readable {
  private newest: string | undefined;
  private hasRoom = false;

  constructor() {
    // Room for one event, whatever its length.
    super({ highWaterMark: 1 });
  }

  tell(event: string): void {
    if (this.readableEnded || this.destroyed) return;
    if (!this.hasRoom) {
      this.newest = event;
      return;
    }
    this.hasRoom = false;
    this.push(event);
  }

  override _read(): void {
    const event = this.newest;
    this.newest = undefined;
    if (event === undefined) this.hasRoom = true;
    else this.push(event);
  }

  finish(): void {
    this.hasRoom = false;
    if (!this.destroyed) this.push(null);
  }
}

/** The live streams that are open: there may be so many, and all end with the server. */
export class LiveStreams {
  private readonly feed: LiveFeed;
  private readonly streamsMax: number;
  private readonly open = new Set<LiveStream>();
  private isClosed = false;

  constructor(feed: LiveFeed, streamsMax = defaultStreamsMax) {
    this.feed = feed;
    this.streamsMax = streamsMax;
  }

  /** CodedError `overloaded` where there is no room for another. */
  async start(request: LiveRequest): Promise<Readable> {
    if (this.open.size >= this.streamsMax)
      throw new CodedError("overloaded", `${this.streamsMax} live streams are open already`);
    const stream = new LiveStream();
    const leaving = new AbortController();
    this.open.add(stream);
    stream.once("close", () => {
      this.open.delete(stream);
      leaving.abort();
    });
    try {
      const tell = (event: string): void => stream.tell(event);
      stream.tell(await this.feed.listen(request, tell, leaving.signal));
    } catch (error) {
      stream.destroy();
      throw error;
    }
    if (this.isClosed) stream.finish();
    return stream;
  }

  close(): void {
    this.isClosed = true;
    for (const stream of this.open) stream.finish();
  }
}
