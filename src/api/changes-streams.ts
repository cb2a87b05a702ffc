import { CodedError } from "../model/errors.ts";
import type { ChangesStreamOptions } from "./changes-stream.ts";
import { ChangesStream } from "./changes-stream.ts";

/** Each holds a page or two in memory, 1 MB at most. */
const defaultStreamsMax = 100;

/** The streams of changes that are open: there may be so many, and all end with the server. */
export class ChangesStreams {
  private readonly streamsMax: number;
  private readonly open = new Set<ChangesStream>();
  private starting = 0;
  private isClosed = false;

  constructor(streamsMax = defaultStreamsMax) {
    this.streamsMax = streamsMax;
  }

  /** CodedError `overloaded` where there is no room for another. */
  async start(options: ChangesStreamOptions): Promise<ChangesStream> {
    if (this.open.size + this.starting >= this.streamsMax)
      throw new CodedError("overloaded", `${this.streamsMax} streams of changes are open already`);
    this.starting++;
    try {
      const stream = await ChangesStream.start(options);
      this.open.add(stream);
      stream.once("close", () => this.open.delete(stream));
      if (this.isClosed) stream.finish();
      return stream;
    } finally {
      this.starting--;
    }
  }

  close(): void {
    this.isClosed = true;
    for (const stream of this.open) stream.finish();
  }
}
