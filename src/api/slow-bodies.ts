/**
 * Bodies that are being read, each in one of the places that `limits.waiting_bodies` has. Where these are all taken, those that come too
 * slowly are cut off: a byte now and then must not hold a place that others need.
 */

import type { Socket } from "node:net";

/** Not before: a connection begins slowly. */
const graceMs = 500;
/** What a body is to bring on average; less than any phone does. */
const bytesASecondMin = 8_000;

interface ReadBody {
  readonly socket: Socket;
  readonly sinceMs: number;
  readonly bytesBefore: number;
}

export class SlowBodies {
  private readonly bodies = new Set<ReadBody>();

  /** To be disposed when the body is there. */
  begin(socket: Socket): Disposable {
    const body = { socket, sinceMs: performance.now(), bytesBefore: socket.bytesRead };
    this.bodies.add(body);
    return {
      [Symbol.dispose]: () => void this.bodies.delete(body),
    };
  }

  /** Cuts off those that are too slow: their places are free soon. */
  cut(): void {
    const nowMs = performance.now();
    for (const { socket, sinceMs, bytesBefore } of this.bodies) {
      const elapsedMs = nowMs - sinceMs;
      // The longest under way come first.
      if (elapsedMs < graceMs) return;
      const bytes = socket.bytesRead - bytesBefore;
      if (bytes < (elapsedMs / 1000) * bytesASecondMin) socket.destroy();
    }
  }
}
