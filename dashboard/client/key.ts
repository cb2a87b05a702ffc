/** The API key that requests show, where the service needs one: kept as long as the tab is, and by this page alone. */

import { useEffect, useState } from "preact/hooks";
import type { Problem } from "../model/problem.ts";

const place = "clicktally.key";

export function knownKey(): string | undefined {
  return sessionStorage.getItem(place) ?? undefined;
}

type Listener = (problem: Problem) => void;
let listener: Listener | undefined;

/** `shown`: the key of the request that was refused; of an older one nobody needs to hear. */
export function tellRefused(problem: Problem, shown: string | undefined): void {
  if (shown === knownKey()) listener?.(problem);
}

export interface KeyState {
  /** Why a key is needed; undefined where none is, or the one that is known is taken so far. */
  readonly refused: Problem | undefined;
  readonly isKnown: boolean;
  /** Another one with every key. */
  readonly turn: number;
  readonly take: (key: string) => void;
  readonly forget: () => void;
}

/** Of the whole page, once. */
export function useKey(): KeyState {
  const [{ refused, turn }, setState] = useState<{ refused: Problem | undefined; turn: number }>({
    refused: undefined,
    turn: 0,
  });
  useEffect(() => {
    listener = (problem) => setState((before) => ({ ...before, refused: problem }));
    return () => {
      listener = undefined;
    };
  }, []);
  const next = (): void => setState((before) => ({ refused: undefined, turn: before.turn + 1 }));
  return {
    refused,
    isKnown: knownKey() !== undefined,
    turn,
    take: (key) => {
      sessionStorage.setItem(place, key);
      next();
    },
    forget: () => {
      sessionStorage.removeItem(place);
      next();
    },
  };
}
