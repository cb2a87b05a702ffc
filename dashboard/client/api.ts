/** Asks the service. Addresses are relative: the page works below any path that a proxy puts it at. */

import type { Problem } from "../model/problem.ts";
import { noAnswer, problemOf } from "../model/problem.ts";
import { knownKey, tellRefused } from "./key.ts";

class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.title);
    this.problem = problem;
  }
}

export function pathWith(path: string, parameters: Readonly<Record<string, string>>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== "");
  return `${path}?${new URLSearchParams(given).toString()}`;
}

/** Rejects with a ProblemError, or with an AbortError. */
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const key = knownKey();
  let response: Response;
  try {
    const headers = {
      ...(init.headers as Record<string, string> | undefined),
      ...authorizationOf(key),
    };
    response = await fetch(path, { ...init, headers });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ProblemError(noAnswer);
  }
  if (response.ok) return response;
  const problem = problemOf(response.status, await response.text());
  if (response.status === 401) tellRefused(problem, key);
  throw new ProblemError(problem);
}

function authorizationOf(key: string | undefined): Readonly<Record<string, string>> {
  return key === undefined ? {} : { authorization: `Bearer ${key}` };
}

export async function askJson<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  const response = await ask(path, { ...(signal && { signal }) });
  return (await response.json()) as Answer;
}

export async function postJson<Answer>(path: string, body: unknown): Promise<Answer> {
  const response = await ask(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await response.json()) as Answer;
}

export function problemIn(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  return { title: "This page made a mistake", detail: String(error), code: "page", status: 500 };
}
