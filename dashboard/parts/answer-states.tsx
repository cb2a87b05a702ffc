/** What stands where an answer is not there: being asked for, gone wrong, or with nothing in it. */

import type { ComponentChildren } from "preact";
import type { Problem } from "../model/problem.ts";
import { mayPass } from "../model/problem.ts";

/** Keeps the room that the answer will take, so that nothing jumps. */
export function Loading({ what, rows = 5 }: { readonly what: string; readonly rows?: number }) {
  return (
    <div class="loading" role="status">
      <span class="visually-hidden">Loading {what} …</span>
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} class="skeleton" aria-hidden="true" />
      ))}
    </div>
  );
}

export function Empty({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
}) {
  return (
    <div class="state">
      <p class="state-title">{title}</p>
      {children !== undefined && <p>{children}</p>}
    </div>
  );
}

interface FailedProps {
  readonly problem: Problem;
  readonly onRetry?: (() => void) | undefined;
}

export function Failed({ problem, onRetry }: FailedProps) {
  return (
    <div class="state state-failed" role="alert">
      <p class="state-title">{problem.title}</p>
      {problem.detail !== "" && <p>{problem.detail}</p>}
      {onRetry && mayPass(problem) && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

interface AnswerProps<Answer> {
  readonly what: string;
  readonly answer: Answer | undefined;
  readonly problem: Problem | undefined;
  /** It answers the question before: shown faintly until the new one is answered, so that nothing jumps. */
  readonly isStale?: boolean;
  readonly isEmpty: (answer: Answer) => boolean;
  readonly empty: ComponentChildren;
  readonly rows?: number;
  readonly onRetry?: () => void;
  readonly children: (answer: Answer) => ComponentChildren;
}

/** The newest answer where there is one, also while the service is away: the page says elsewhere that it is. */
export function Answered<Answer>(props: AnswerProps<Answer>) {
  const { what, answer, problem, isStale = false, isEmpty, empty, rows, onRetry, children } = props;
  const isAway = problem?.code === "no_answer" && answer !== undefined;
  if (problem && !isAway) return <Failed problem={problem} onRetry={onRetry} />;
  if (answer === undefined) return <Loading what={what} {...(rows !== undefined && { rows })} />;
  return (
    <div class={isStale ? "stale" : ""} inert={isStale}>
      {isEmpty(answer) ? empty : children(answer)}
    </div>
  );
}
