/** What the service said instead of an answer, or that nothing was heard of it. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  /** Of HTTP; absent where nobody answered. */
  readonly status: number | undefined;
  /** Stable, of the service's problem details; absent where somebody else answered, such as a proxy. */
  readonly code: string | undefined;
  /** What was wrong. */
  readonly field: string | undefined;
  /** When to come again, if the service has said so. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    details: {
      readonly status?: number | undefined;
      readonly code?: string | undefined;
      readonly field?: string | undefined;
      readonly retryAfterMs?: number | undefined;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.status = details.status;
    this.code = details.code;
    this.field = details.field;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** `text`: the body. */
export function refusalOf(response: Response, text: string): ServiceError {
  const problem = parseObject(text);
  const own = (name: string): string | undefined =>
    typeof problem?.[name] === "string" ? problem[name] : undefined;
  const { status } = response;
  return new ServiceError(`${status} ${own("detail") ?? text.slice(0, 200)}`, {
    status,
    code: own("code"),
    field: own("field"),
    retryAfterMs: retryAfterMsOf(response.headers.get("retry-after")),
  });
}

export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === "object" && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Seconds, or a date. */
function retryAfterMsOf(header: string | null): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
