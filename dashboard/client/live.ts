/** Follows the live stream, and comes back to it by itself. */

import { useEffect, useState } from "preact/hooks";
import type { LiveAnswer } from "../../src/api/live-feed.ts";
import type { Connection, ConnectionEvent } from "../model/connection.ts";
import { connecting, nextConnection } from "../model/connection.ts";
import { EventText } from "../model/event-text.ts";
import type { Problem } from "../model/problem.ts";
import { mayPass } from "../model/problem.ts";
import { ask, pathWith, problemIn } from "./api.ts";

export interface Live {
  readonly connection: Connection;
  /** The newest, also where the connection is broken. */
  readonly answer: LiveAnswer | undefined;
  /** Its ranking is of an older question. */
  readonly isStale: boolean;
  /** What the service said instead of the newest answer. */
  readonly problem: Problem | undefined;
  /** Clicks a second of the last minutes, one an answer. */
  readonly rates: readonly number[];
}

const tickMs = 250;
const ratesMax = 120;

interface Followed extends Omit<Live, "isStale"> {
  /** That the answer is to. */
  readonly path: string;
}

export function useLive(parameters: Readonly<Record<string, string>>): Live {
  const path = pathWith("v1/live", parameters);
  const [live, setLive] = useState<Followed>({
    connection: connecting(Date.now()),
    path,
    answer: undefined,
    problem: undefined,
    rates: [],
  });
  useEffect(() => {
    const follower = new Follower(path, (change) => setLive((before) => change(before)));
    return () => follower.end();
  }, [path]);
  return { ...live, isStale: live.path !== path };
}

class Follower {
  private readonly path: string;
  private readonly onChange: (change: (before: Followed) => Followed) => void;
  private state = connecting(Date.now());
  private reading = new AbortController();
  private readonly timer: ReturnType<typeof setInterval>;
  private readonly onWake = (): void => {
    if (!document.hidden) this.happened({ kind: "woken" });
  };

  constructor(path: string, onChange: (change: (before: Followed) => Followed) => void) {
    this.path = path;
    this.onChange = onChange;
    this.timer = setInterval(() => this.happened({ kind: "tick" }), tickMs);
    addEventListener("online", this.onWake);
    document.addEventListener("visibilitychange", this.onWake);
    this.tellConnection();
    void this.read();
  }

  end(): void {
    clearInterval(this.timer);
    removeEventListener("online", this.onWake);
    document.removeEventListener("visibilitychange", this.onWake);
    this.reading.abort();
  }

  private happened(event: ConnectionEvent): void {
    const before = this.state;
    this.state = nextConnection(before, event, Date.now(), Math.random());
    if (this.state.kind === before.kind) return;
    this.tellConnection();
    if (this.state.kind === "waiting" || this.state.kind === "refused") this.reading.abort();
    if (this.state.kind === "connecting") void this.read();
  }

  private tellConnection(): void {
    const connection = this.state;
    this.onChange((before) => ({ ...before, connection }));
  }

  private async read(): Promise<void> {
    this.reading = new AbortController();
    const { signal } = this.reading;
    try {
      const response = await ask(this.path, { signal });
      const events = new EventText();
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      for (let piece = await reader.read(); !piece.done; piece = await reader.read())
        for (const event of events.take(piece.value)) this.told(event.type, event.data);
      if (!signal.aborted) this.happened({ kind: "broken" });
    } catch (error) {
      if (signal.aborted) return;
      const problem = problemIn(error);
      this.happened(mayPass(problem) ? { kind: "broken" } : { kind: "refused", problem });
    }
  }

  private told(type: string, data: string): void {
    this.happened({ kind: "told" });
    if (type === "problem") {
      const problem = JSON.parse(data) as Problem;
      this.onChange((before) => ({ ...before, path: this.path, problem }));
      return;
    }
    const answer = JSON.parse(data) as LiveAnswer;
    const rate = answer.clicks_a_second;
    this.onChange((before) => ({
      ...before,
      path: this.path,
      answer,
      problem: undefined,
      rates: rate === null ? before.rates : [...before.rates, rate].slice(-ratesMax),
    }));
  }
}
