/**
 * The connection to the live stream, as states: what happens next is a function of the state and of what happened.
 * Whoever drives it connects on entering `connecting` and lets go on leaving `connecting` or `open`.
 */

import type { Problem } from "./problem.ts";

export type Connection =
  | { readonly kind: "connecting"; readonly tries: number; readonly untilMs: number }
  | { readonly kind: "open"; readonly silentFromMs: number }
  | { readonly kind: "waiting"; readonly tries: number; readonly untilMs: number }
  /** The request itself is wrong: another try would be refused as well. */
  | { readonly kind: "refused"; readonly problem: Problem };

export type ConnectionEvent =
  | { readonly kind: "told" }
  | { readonly kind: "broken" }
  | { readonly kind: "refused"; readonly problem: Problem }
  /** The network is there again, or the page is looked at again. */
  | { readonly kind: "woken" }
  | { readonly kind: "tick" };

/** The stream tells something every second: after so long it is dead, whatever the socket says. */
export const silenceMsMax = 8_000;
/** For the first answer; a service that has just started may need some seconds. */
export const connectMsMax = 15_000;
const waitMsMin = 500;
const waitMsMax = 8_000;

export function connecting(nowMs: number, tries = 0): Connection {
  return { kind: "connecting", tries, untilMs: nowMs + connectMsMax };
}

/** `spread`: from 0 to 1, so that not all pages come back in the same moment. */
export function nextConnection(
  state: Connection,
  event: ConnectionEvent,
  nowMs: number,
  spread: number,
): Connection {
  if (state.kind === "refused") return state;
  switch (event.kind) {
    case "told":
      return state.kind === "waiting" ? state : { kind: "open", silentFromMs: nowMs };
    case "broken":
      return state.kind === "waiting" ? state : waiting(state, nowMs, spread);
    case "refused":
      return { kind: "refused", problem: event.problem };
    case "woken":
      return state.kind === "waiting" ? connecting(nowMs, state.tries) : state;
    case "tick":
      return isOverdue(state, nowMs) ? overdue(state, nowMs, spread) : state;
  }
}

type Trying = Exclude<Connection, { kind: "refused" }>;

function isOverdue(state: Trying, nowMs: number): boolean {
  return state.kind === "open"
    ? nowMs - state.silentFromMs >= silenceMsMax
    : nowMs >= state.untilMs;
}

function overdue(state: Trying, nowMs: number, spread: number): Connection {
  return state.kind === "waiting" ? connecting(nowMs, state.tries) : waiting(state, nowMs, spread);
}

function waiting(state: Trying, nowMs: number, spread: number): Connection {
  const tries = state.kind === "open" ? 1 : state.tries + 1;
  const waitMs = Math.min(waitMsMax, waitMsMin * 2 ** (tries - 1)) * (0.75 + spread / 2);
  return { kind: "waiting", tries, untilMs: nowMs + waitMs };
}
