import type { Readiness } from "../api/service-parts.ts";
import type { AdmissionGate } from "../ingest/backpressure.ts";
import type { Service } from "../service.ts";

/** Whether a process is ready, and how it ends. */
export class Lifecycle {
  /** Rejects once the process can't go on. */
  readonly failed: Promise<never>;
  /** To be told why. */
  readonly fail: (error: Error) => void;
  private readonly admission: AdmissionGate;
  /** Why it is not ready, whatever is away: it starts, stops or has failed. */
  private reason: string | undefined;
  private awayReason: string | undefined;

  /** `reason`: why it is not ready yet. */
  constructor(admission: AdmissionGate, reason: string) {
    const failure = Promise.withResolvers<never>();
    failure.promise.catch(() => {});
    this.failed = failure.promise;
    this.fail = failure.reject;
    this.admission = admission;
    this.reason = reason;
  }

  get readiness(): Readiness {
    const reason = this.reason ?? this.awayReason;
    return reason === undefined ? { ready: true } : { ready: false, reason };
  }

  ready(): void {
    this.reason = undefined;
  }

  /** Something that it needs is away for now; undefined: is there again. */
  away(reason: string | undefined): void {
    this.awayReason = reason;
  }

  /** The service of these parts, which ends with all that `owned` holds. */
  service(
    parts: Omit<Service, "stopped" | typeof Symbol.asyncDispose>,
    owned: AsyncDisposableStack,
  ): Service {
    const stopped = Promise.withResolvers<void>();
    stopped.promise.catch(() => {});
    this.failed.catch((error: unknown) => {
      this.reason = "failed";
      this.admission.close("not_ready", "the service has failed and is stopping");
      stopped.reject(error);
    });
    return {
      ...parts,
      stopped: stopped.promise,
      [Symbol.asyncDispose]: async () => {
        this.reason = "stopping";
        await owned.disposeAsync();
        stopped.resolve();
      },
    };
  }
}
