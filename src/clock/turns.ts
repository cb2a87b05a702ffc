/** Lets one at a time through, in the order of asking. */
export class Turns {
  private last: Promise<void> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work);
    // Who comes next waits for the end alone: a result is not held on to, an error is its caller's.
    const end = (): void => {};
    this.last = result.then(end, end);
    return result;
  }

  /** Resolves once all that has asked so far is through, well or not. */
  async through(): Promise<void> {
    await this.last;
  }
}
