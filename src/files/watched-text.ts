/** A small file that others write, read again and again: what changed is told within a second, on any file system. */

import { readFile } from "node:fs/promises";

export interface WatchedTextOptions {
  readonly path: string;
  /** What is known of it already. */
  readonly text: string | undefined;
  /** Told of every content that differs from the one before. */
  readonly onText: (text: string) => void;
  /** Told why it can't be read, once, until it can. */
  readonly onProblem: (error: Error) => void;
}

/** Reading is cheap, and can't miss what a comparison of times and sizes may. */
const everyMs = 400;

/** Until it is disposed. */
export function watchText({ path, text, onText, onProblem }: WatchedTextOptions): Disposable {
  let known = text;
  let isReadable = text !== undefined;
  let isLooking = false;
  const look = async (): Promise<void> => {
    if (isLooking) return;
    isLooking = true;
    try {
      const found = await readFile(path, "utf8");
      isReadable = true;
      if (found === known) return;
      known = found;
      onText(found);
    } catch (error) {
      if (isReadable) onProblem(error as Error);
      isReadable = false;
    } finally {
      isLooking = false;
    }
  };
  const timer = setInterval(() => void look(), everyMs).unref();
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
    },
  };
}
