import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Problem } from "../model/problem.ts";
import { mayPass } from "../model/problem.ts";
import { askJson, problemIn } from "./api.ts";

export interface Asked<Answer> {
  /** The newest there is; while another question is being answered, that of the one before. */
  readonly answer: Answer | undefined;
  /** Why the last try failed. */
  readonly problem: Problem | undefined;
  /** The answer is of an older question. */
  readonly isStale: boolean;
  readonly reload: () => void;
}

/** What could not be asked is asked again after so long. */
const retryMs = 3_000;

/** The answer to a GET; asked again every `everyMs` while the page is looked at. Undefined: nothing is asked. */
export function useAnswer<Answer>(path: string | undefined, everyMs?: number): Asked<Answer> {
  const [known, setKnown] = useState<{ readonly path: string; readonly answer: Answer }>();
  const [problem, setProblem] = useState<Problem>();
  const again = useRef(() => {});
  useEffect(() => {
    setProblem(undefined);
    if (path === undefined) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let asking = new AbortController();
    const later = (afterMs: number): void => {
      clearTimeout(timer);
      timer = setTimeout(() => void look(), afterMs);
    };
    const look = async (): Promise<void> => {
      if (document.hidden) return;
      asking.abort();
      asking = new AbortController();
      const { signal } = asking;
      try {
        const answer = await askJson<Answer>(path, signal);
        if (signal.aborted) return;
        setKnown({ path, answer });
        setProblem(undefined);
        if (everyMs !== undefined) later(everyMs);
      } catch (error) {
        if (signal.aborted) return;
        const found = problemIn(error);
        setProblem(found);
        // What is wrong with a question is wrong with it the next time too.
        if (mayPass(found)) later(retryMs);
      }
    };
    again.current = () => void look();
    const onVisible = (): void => {
      if (!document.hidden) void look();
    };
    document.addEventListener("visibilitychange", onVisible);
    void look();
    return () => {
      document.removeEventListener("visibilitychange", onVisible);
      clearTimeout(timer);
      asking.abort();
    };
  }, [path, everyMs]);
  const reload = useCallback(() => again.current(), []);
  return {
    answer: known?.answer,
    problem,
    isStale: known !== undefined && known.path !== path,
    reload,
  };
}
