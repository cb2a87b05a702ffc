/** Keeps the bodies that wait for ingest within bounds, and the door shut while clicks can't be taken. */

import { CodedError } from "../model/errors.ts";

/** Why no clicks are taken for now; each is the code of the answer. The first that holds is told. */
const closingReasons = ["not_ready", "queue_full", "dedup_full"] as const;
export type ClosingReason = (typeof closingReasons)[number];

export interface AdmissionLimits {
  readonly waitingBodiesMax: number;
  readonly waitingBytesMax: number;
}

/** The place of a body that was let in; leaving twice is leaving once. */
export interface Admission extends Disposable {
  /** Takes account of more bytes of the same body. Throws `overloaded`; the body keeps its place until released. */
  grow(bytes: number): void;
  release(): void;
}

export class AdmissionGate {
  private readonly limits: AdmissionLimits;
  private readonly closed = new Map<ClosingReason, string>();
  private bodies = 0;
  private bytes = 0;

  constructor(limits: AdmissionLimits) {
    this.limits = limits;
  }

  get waitingBodies(): number {
    return this.bodies;
  }

  get waitingBytes(): number {
    return this.bytes;
  }

  /** The reason that is told to whoever comes now; undefined while the gate is open. */
  get closedFor(): ClosingReason | undefined {
    return closingReasons.find((reason) => this.closed.has(reason));
  }

  /** Lets a body of so many bytes in. Throws `overloaded`, or the reason the gate is closed for. */
  enter(bytes: number): Admission {
    this.checkOpen();
    const { waitingBodiesMax, waitingBytesMax } = this.limits;
    if (this.bodies >= waitingBodiesMax) {
      throw overloaded(`${this.bodies} bodies are waiting, at most ${waitingBodiesMax} may`);
    }
    // A body that is alone is let in whatever its size: its own limit is another one.
    if (this.bodies > 0) this.checkBytes(bytes, waitingBytesMax);
    this.bodies++;
    this.bytes += bytes;
    let held = bytes;
    let inside = true;
    const release = (): void => {
      if (!inside) return;
      inside = false;
      this.bodies--;
      this.bytes -= held;
    };
    return {
      grow: (more) => {
        if (this.bodies > 1) this.checkBytes(more, waitingBytesMax);
        held += more;
        this.bytes += more;
      },
      release,
      [Symbol.dispose]: release,
    };
  }

  /** Shuts the gate until `reopen` is called for the same reason; bodies inside are not touched. */
  close(reason: ClosingReason, message: string): void {
    this.closed.set(reason, message);
  }

  reopen(reason: ClosingReason): void {
    this.closed.delete(reason);
  }

  private checkOpen(): void {
    const reason = this.closedFor;
    if (reason !== undefined) throw new CodedError(reason, this.closed.get(reason)!);
  }

  private checkBytes(more: number, bytesMax: number): void {
    if (this.bytes + more > bytesMax) {
      throw overloaded(`bodies of ${this.bytes} bytes are waiting, at most ${bytesMax} bytes may`);
    }
  }
}

function overloaded(message: string): CodedError {
  return new CodedError("overloaded", `${message}; send again later`);
}
