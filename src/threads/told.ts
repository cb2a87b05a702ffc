import type { Remote } from "./endpoint.ts";

export interface Told {
  /** Something is wrong, or was. */
  readonly onProblem: (what: string, error?: unknown) => void;
  /** Something has changed that is good to know. */
  readonly onNotice: (what: string) => void;
}

/** A thread has no log of its own: the main thread writes down what it tells. */
export function toldBy(main: () => Remote): Told {
  return {
    onProblem: (what, error) =>
      main().post("told", error === undefined ? ["warn", what] : ["warn", what, String(error)]),
    onNotice: (what) => main().post("told", ["info", what]),
  };
}
