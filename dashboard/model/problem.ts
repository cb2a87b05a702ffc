/** What went wrong, in the words of the API (RFC 9457), or of the page where there was no answer. */

export interface Problem {
  readonly title: string;
  readonly detail: string;
  /** Stable; `no_answer` where the service could not be reached. */
  readonly code: string;
  readonly status: number;
}

export const noAnswer: Problem = {
  title: "The service does not answer",
  detail: "It may be restarting. This page goes on by itself when it is there again.",
  code: "no_answer",
  status: 0,
};

/** Of the body of an answer that is no success. */
export function problemOf(status: number, body: string): Problem {
  const other = { title: `The service answered ${status}`, detail: "", code: "unknown", status };
  try {
    const { title, detail, code } = JSON.parse(body) as Partial<Problem>;
    if (typeof title !== "string" || typeof code !== "string") return other;
    return { title, detail: typeof detail === "string" ? detail : "", code, status };
  } catch {
    return other;
  }
}

/** Whether another try, of the very same request, may go well. */
export function mayPass({ status }: Problem): boolean {
  return status === 0 || status === 429 || status >= 500;
}
