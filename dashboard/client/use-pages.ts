import { useEffect, useState } from "preact/hooks";
import type { Problem } from "../model/problem.ts";
import { askJson, pathWith, problemIn } from "./api.ts";

export interface Pages<Answer, Row> {
  /** Of the first page, which the others are of one commit with, or of one range. */
  readonly first: Answer | undefined;
  readonly rows: readonly Row[];
  readonly problem: Problem | undefined;
  readonly isLoading: boolean;
  /** They answer the question before. */
  readonly isStale: boolean;
  /** Absent at the end. */
  readonly more: (() => void) | undefined;
}

interface State<Answer, Row> {
  readonly key: string;
  readonly first: Answer | undefined;
  readonly rows: readonly Row[];
  readonly cursor: string | null;
}

const nothing = { key: "", first: undefined, rows: [], cursor: null };

/** The pages of a table, as many as were asked for. Undefined: nothing is asked. `version`: asked anew where it changes. */
export function usePages<Answer extends { readonly next_cursor: string | null }, Row>(
  path: string | undefined,
  parameters: Readonly<Record<string, string>>,
  rowsOf: (answer: Answer) => readonly Row[],
  version = 0,
): Pages<Answer, Row> {
  const [state, setState] = useState<State<Answer, Row>>(nothing);
  const [problem, setProblem] = useState<Problem>();
  const [wanted, setWanted] = useState<{ readonly key: string; readonly cursor: string }>();
  const [isLoading, setLoading] = useState(false);
  const key = path === undefined ? "" : `${version} ${pathWith(path, parameters)}`;
  const cursor = wanted?.key === key ? wanted.cursor : "";
  useEffect(() => {
    if (path === undefined) return undefined;
    const asking = new AbortController();
    setLoading(true);
    setProblem(undefined);
    askJson<Answer>(pathWith(path, { ...parameters, cursor }), asking.signal)
      .then((answer) =>
        setState((before) => ({
          key,
          first: cursor === "" ? answer : before.first,
          rows: cursor === "" ? rowsOf(answer) : [...before.rows, ...rowsOf(answer)],
          cursor: answer.next_cursor,
        })),
      )
      .catch((error: unknown) => {
        if (asking.signal.aborted) return;
        setProblem(problemIn(error));
        if (cursor === "") setState(nothing);
      })
      .finally(() => {
        if (!asking.signal.aborted) setLoading(false);
      });
    return () => asking.abort();
  }, [key, cursor]);
  const { cursor: next } = state;
  return {
    first: state.first,
    rows: state.rows,
    problem,
    isLoading,
    isStale: state.first !== undefined && state.key !== key,
    more: next === null ? undefined : () => setWanted({ key, cursor: next }),
  };
}
