import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { problemIn } from "../client/api.ts";
import type { Problem } from "../model/problem.ts";
import { Failed } from "./answer-states.tsx";

interface ConfirmProps {
  readonly title: string;
  /** What will be done, on the button that does it. */
  readonly action: string;
  readonly onConfirm: () => Promise<void>;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** Asks before something that changes numbers is done, and stays open where it could not be done. */
export function Confirm({ title, action, onConfirm, onClose, children }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [isDoing, setDoing] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  useEffect(() => dialog.current?.showModal(), []);
  const onSubmit = (event: Event): void => {
    event.preventDefault();
    if (isDoing) return;
    setDoing(true);
    setProblem(undefined);
    onConfirm()
      .then(onClose)
      .catch((error: unknown) => setProblem(problemIn(error)))
      .finally(() => setDoing(false));
  };
  return (
    <dialog ref={dialog} class="confirm" aria-labelledby="confirm-title" onClose={onClose}>
      <form onSubmit={onSubmit}>
        <h2 id="confirm-title">{title}</h2>
        {children}
        {problem && <Failed problem={problem} />}
        <div class="confirm-buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={isDoing}>
            {isDoing ? "Working …" : action}
          </button>
        </div>
      </form>
    </dialog>
  );
}
