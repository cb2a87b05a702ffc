/**
 * `DisposableStack`, `AsyncDisposableStack` and `SuppressedError` for Node 22, which has the symbols and not these. As ECMAScript
 * 2026 has them, 12.3 and 12.4; Node 24 brings its own. To be dropped with Node 22.
 */

type Dispose = () => unknown;

/** What both kinds have in common: what is to be disposed of, the last first. */
abstract class Stack {
  protected entries: Dispose[] = [];
  protected isDisposed = false;

  get disposed(): boolean {
    return this.isDisposed;
  }

  use<Value>(value: Value): Value {
    if (value === null || value === undefined) this.refuseDisposed();
    else this.push(this.methodOf(value));
    return value;
  }

  adopt<Value>(value: Value, onDispose: (value: Value) => unknown): Value {
    this.push(() => onDispose(value));
    return value;
  }

  defer(onDispose: Dispose): void {
    this.push(onDispose);
  }

  /** How to dispose of it; a TypeError where nobody can. */
  protected abstract methodOf(value: NonNullable<unknown>): Dispose;

  protected push(dispose: Dispose): void {
    this.refuseDisposed();
    this.entries.push(dispose);
  }

  protected moveTo<Target extends Stack>(target: Target): Target {
    this.refuseDisposed();
    target.entries = this.take();
    return target;
  }

  /** Empties the stack, which takes nothing any more. */
  protected take(): Dispose[] {
    const { entries } = this;
    this.entries = [];
    this.isDisposed = true;
    return entries;
  }

  private refuseDisposed(): void {
    if (this.isDisposed) throw new ReferenceError(`${this.constructor.name} already disposed`);
  }
}

/** What went wrong on the way: all of it, each error suppressing those before it. */
class Failure {
  private found: { readonly error: unknown } | undefined;

  add(error: unknown): void {
    this.found = { error: this.found ? new SuppressedError(error, this.found.error) : error };
  }

  throwIfAny(): void {
    if (this.found) throw this.found.error;
  }
}

export class OwnDisposableStack extends Stack implements DisposableStack {
  readonly [Symbol.toStringTag] = "DisposableStack";

  dispose(): void {
    const failure = new Failure();
    for (const dispose of this.take().toReversed()) {
      try {
        dispose();
      } catch (error) {
        failure.add(error);
      }
    }
    failure.throwIfAny();
  }

  move(): OwnDisposableStack {
    return this.moveTo(new OwnDisposableStack());
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  protected methodOf(value: NonNullable<unknown>): Dispose {
    const method = (value as Partial<Disposable>)[Symbol.dispose];
    if (typeof method !== "function") throw new TypeError("Symbol.dispose is not a function");
    return () => method.call(value);
  }
}

export class OwnAsyncDisposableStack extends Stack implements AsyncDisposableStack {
  readonly [Symbol.toStringTag] = "AsyncDisposableStack";

  async disposeAsync(): Promise<void> {
    const failure = new Failure();
    for (const dispose of this.take().toReversed()) {
      try {
        await dispose();
      } catch (error) {
        failure.add(error);
      }
    }
    failure.throwIfAny();
  }

  move(): OwnAsyncDisposableStack {
    return this.moveTo(new OwnAsyncDisposableStack());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.disposeAsync();
  }

  protected methodOf(value: NonNullable<unknown>): Dispose {
    const { [Symbol.asyncDispose]: later, [Symbol.dispose]: now } = value as Partial<
      AsyncDisposable & Disposable
    >;
    const method = later ?? now;
    if (typeof method !== "function") throw new TypeError("Symbol.asyncDispose is not a function");
    return () => method.call(value);
  }
}

export class OwnSuppressedError extends Error implements SuppressedError {
  override readonly name = "SuppressedError";
  readonly error: unknown;
  readonly suppressed: unknown;

  constructor(error: unknown, suppressed: unknown, message?: string) {
    super(message);
    this.error = error;
    this.suppressed = suppressed;
  }
}
